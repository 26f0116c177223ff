internal import CKernels
internal import Foundation
internal import Kernels
internal import Testing

/// What rests on the exponential: SwiGLU, softmax and cross-entropy.
@Suite(.serialized) struct ActivationTests {
  /// 2 ulp, an ulp being at most 2^-23 of the number.
  private static let exponentialError = 0x1p-22

  @Test(arguments: InstructionSet.available)
  func exponential(_ set: InstructionSet) {
    var x = stride(from: Float(-87), through: 88, by: 0.000_97).map { $0 }
    x += [0, -0.0, 1, -1, .leastNonzeroMagnitude, 0.346_573_6, -0.346_573_6]
    let out = GuardedMemory(x, slack: 256)
    _ = set.table.softmax_from_lse(Int32(x.count), Int32(x.count), 1, 0, out.pointer)
    let want = x.map { exp(Double($0)) }
    let deviation = Deviation(out.values, want, allowing: want.map { $0 * Self.exponentialError })
    #expect(deviation.isAllowed && out.isIntact, "\(deviation)")
  }

  /// The vector exponential holds its argument at -87.3: what should vanish stays below 2^-125.
  @Test(arguments: InstructionSet.available)
  func exponentialOfExtremes(_ set: InstructionSet) {
    var x: [Float] = [-88, -1000, -.greatestFiniteMagnitude, -.infinity, .nan]
    set.table.softmax_from_lse(5, 5, 1, 0, &x)
    #expect(x[..<4].allSatisfy { (0...0x1p-125).contains($0) })
    #expect(x[4].isNaN)
  }

  /// A broken number must show in the loss, not be hidden by a clamp.
  @Test(arguments: InstructionSet.available, [0, 5, 16, 40])
  func notANumberShows(_ set: InstructionSet, _ place: Int) {
    for bad in [Float.nan, .infinity] {
      var x = [Float](repeating: 0.5, count: 41)
      x[place] = bad
      var logits = x
      #expect(!set.table.cross_entropy(41, 3, 0, &logits, 1).isFinite)
      var scores = x
      _ = set.table.softmax(41, 41, 1, &scores)
      #expect(scores.contains { $0.isNaN })
      var h = x
      set.table.activate(PEQA_SILU, 41, x, [Float](repeating: 1, count: 41), &h, nil)
      #expect(!h[place].isFinite && h[(place + 1) % 41].isFinite)
    }
  }

  private func gates(_ count: Int, _ random: inout RandomNumbers) -> [Float] {
    var gate = random.floats(count, scale: 6)
    let special: [Float] = [0, -0.0, 80, -80, 200, -200, -1.278_464_6]
    for (index, value) in special.enumerated() where index * 2 < count { gate[index * 2] = value }
    return gate
  }

  private func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

  /// Where the sigmoid vanishes the clamp leaves up to 2^-125 of it, times gate and more.
  private static let vanishing = 0x1p-115

  @Test(arguments: InstructionSet.available)
  func swiGLU(_ set: InstructionSet) {
    let compute = Compute(pool: WorkerPool(threads: 2), precision: .fp32, instructionSet: set)
    for count in oddCounts {
      var random = RandomNumbers(seed: count)
      let gate = GuardedMemory(gates(count, &random))
      let up = GuardedMemory(random.floats(count))
      let h = GuardedMemory<Float>(results: count, fill: .nan)
      compute.activate(
        .silu, gate: gate.pointer, up: up.pointer, count: count, into: h.pointer)
      let want = zip(gate.values, up.values).map { Double($0) * sigmoid(Double($0)) * Double($1) }
      // Exponential 4 units, sum, quotient, two products: 8, rounded up for second order.
      let bounds = want.map { abs($0) * 9 * unit + Self.vanishing }
      let deviation = Deviation(h.values, want, allowing: bounds)
      #expect(deviation.isAllowed && h.isIntact, "\(count): \(deviation)")
    }
  }

  @Test(arguments: InstructionSet.available)
  func swiGLUBackward(_ set: InstructionSet) {
    let compute = Compute(pool: WorkerPool(threads: 2), precision: .fp32, instructionSet: set)
    for count in oddCounts {
      var random = RandomNumbers(seed: count)
      let gate = gates(count, &random)
      let (up, dh) = (random.floats(count), random.floats(count))
      let dgate = GuardedMemory<Float>(results: count, fill: .nan)
      let dup = GuardedMemory<Float>(results: count, fill: .nan)
      compute.activateBackward(
        .silu, gate: gate, up: up, dh: dh, count: count, dgate: dgate.pointer, dup: dup.pointer)
      var gateDeviation = Deviation()
      var upDeviation = Deviation()
      for i in 0..<count {
        let (g, u, d) = (Double(gate[i]), Double(up[i]), Double(dh[i]))
        let s = sigmoid(g)
        let wantUp = d * g * s
        upDeviation.note(
          Double(dup.pointer[i]), wantUp, abs(wantUp) * 9 * unit + Self.vanishing, i)
        // Central difference; f''' of x sigmoid(x) stays below 1.
        let h = 1e-4
        let above = (g + h) * sigmoid(g + h)
        let slope = (above - (g - h) * sigmoid(g - h)) / (2 * h)
        // s (1 + g (1 - s)): the bracket may cancel, so its parts count, and 1 - s errs by 8 s
        // units.
        let sequenceRanges = s * (1 + abs(g) * (1 - s)) * 16 + s * abs(g) * s * 8
        // Differences of numbers near g lose 2^-53 |g| / h.
        let bound =
          abs(d * u) * (sequenceRanges * unit + 1e-8 + 0x1p-51 * abs(g) / h) + Self.vanishing
        gateDeviation.note(Double(dgate.pointer[i]), d * u * slope, bound, i)
      }
      #expect(upDeviation.isAllowed && dup.isIntact, "\(count): \(upDeviation)")
      #expect(gateDeviation.isAllowed && dgate.isIntact, "\(count): \(gateDeviation)")
      // The results may overwrite the inputs.
      let (first, second) = (GuardedMemory(gate), GuardedMemory(up))
      compute.activateBackward(
        .silu, gate: first.pointer, up: second.pointer, dh: dh, count: count, dgate: first.pointer,
        dup: second.pointer)
      let same = first.values == dgate.values && second.values == dup.values
      #expect(same, "in place")
    }
  }

  /// Errors of a softmax over `x` (already times the scale), relative to each probability: the
  /// argument rounds by 2 units of its size, as does the shift, the exponential and the sum by less
  /// than 100 (vectors of 16 add at most 64 terms a lane before the sum goes on in Double).
  private func softmaxError(_ x: [Double]) -> Double {
    let largest = x.map(abs).max() ?? 0
    return (8 * largest + 100) * unit
  }

  @Test(arguments: InstructionSet.available)
  func softmax(_ set: InstructionSet) {
    for (index, count) in oddCounts.enumerated() {
      var random = RandomNumbers(seed: count)
      let scale: Float = [0.125, 1, 0.3][index % 3]
      let padded = (count + 63) / 64 * 64
      let scores = random.floats(count, scale: 10)
      let row = GuardedMemory(scores + [Float](repeating: 7, count: padded - count), slack: 64)
      let logSum = set.table.softmax(Int32(count), Int32(padded), scale, row.pointer)
      let x = scores.map { Double($0) * Double(scale) }
      let top = x.max() ?? 0
      let sum = x.reduce(0) { $0 + exp($1 - top) }
      let want = x.map { exp($0 - top) / sum } + [Double](repeating: 0, count: padded - count)
      let relative = softmaxError(x)
      let deviation = Deviation(row.values, want, allowing: want.map { $0 * relative })
      #expect(deviation.isAllowed && row.isIntact, "\(count): \(deviation)")
      let wantLog = top + log(sum)
      #expect(abs(Double(logSum) - wantLog) <= relative + abs(wantLog) * 2 * unit)

      // Once more from the logarithm, as the backward pass does.
      let again = GuardedMemory(scores + [Float](repeating: 7, count: padded - count), slack: 64)
      set.table.softmax_from_lse(Int32(count), Int32(padded), scale, logSum, again.pointer)
      let second = Deviation(
        again.values, want, allowing: want.map { $0 * 2 * (relative + abs(wantLog) * unit) })
      #expect(second.isAllowed && again.isIntact, "\(count): \(second)")

      let dp = random.floats(count)
      let back = GuardedMemory(dp + [Float](repeating: 7, count: padded - count), slack: 64)
      set.table.softmax_backward(
        Int32(count), Int32(padded), scale, 0.25, row.pointer, back.pointer)
      let p = row.values.map(Double.init)
      let wantBack = (0..<padded).map { i in
        i < count ? Double(scale) * p[i] * (Double(dp[i]) - 0.25) : 0
      }
      let third = Deviation(back.values, wantBack, allowing: wantBack.map { abs($0) * 4 * unit })
      #expect(third.isAllowed && back.isIntact, "\(count): \(third)")
    }
  }

  @Test(arguments: InstructionSet.available, [false, true])
  func crossEntropy(_ set: InstructionSet, _ gradient: Bool) {
    let compute = Compute(pool: WorkerPool(threads: 2), precision: .fp32, instructionSet: set)
    for (index, count) in (oddCounts + [49_152]).enumerated() {
      var random = RandomNumbers(seed: count)
      let tokens = 3
      let rows = random.floats(tokens * count, scale: index % 2 == 0 ? 4 : 30)
      let targets = [0, count / 2, count - 1].map(Int32.init)
      let logits = GuardedMemory(rows, slack: 256)
      let losses = GuardedMemory<Double>(results: tokens, fill: .nan)
      compute.crossEntropy(
        logits.pointer, targets: targets, tokens: tokens, vocabulary: count, gradient: gradient,
        losses: losses.pointer)
      #expect(logits.isIntact && losses.isIntact)
      for t in 0..<tokens {
        let x = rows[t * count..<(t + 1) * count].map(Double.init)
        let target = Int(targets[t])
        let top = x.max() ?? 0
        let sum = x.reduce(0) { $0 + exp($1 - top) }
        let relative = softmaxError(x)
        let want = top + log(sum) - x[target]
        #expect(abs(losses.pointer[t] - want) <= relative, "\(count): \(losses.pointer[t]) \(want)")
        let got = Array(logits.values[t * count..<(t + 1) * count])
        guard gradient else {
          let unchanged = got.elementsEqual(rows[t * count..<(t + 1) * count])
          #expect(unchanged, "logits change without gradient")
          continue
        }
        let p = x.map { exp($0 - top) / sum }
        let slope = p.indices.map { p[$0] - ($0 == target ? 1 : 0) }
        // The subtraction of 1 rounds too.
        let bounds = p.indices.map { p[$0] * relative + ($0 == target ? unit : 0) }
        let deviation = Deviation(got, slope, allowing: bounds)
        #expect(deviation.isAllowed, "\(count): \(deviation)")
      }
    }
  }
}
