internal import CKernels
internal import Foundation
internal import Kernels
internal import Testing

/// What rests on the exponential: softmax, the shares of a router and cross-entropy.
@Suite(.serialized) struct SoftmaxTests {
  /// 2 ulp, an ulp being at most 2^-23 of the number.
  private static let exponentialError = 0x1p-22

  @Test(arguments: InstructionSet.available)
  func exponential(_ set: InstructionSet) {
    var x = stride(from: Float(-87), through: 88, by: 0.000_97).map { $0 }
    x += [0, -0.0, 1, -1, .leastNonzeroMagnitude, 0.346_573_6, -0.346_573_6]
    let out = GuardedMemory(x, slack: 256)
    _ = set.kernels.softmax_from_lse(Int32(x.count), Int32(x.count), 1, 0, out.pointer)
    let want = x.map { exp(Double($0)) }
    let deviation = Deviation(out.values, want, allowing: want.map { $0 * Self.exponentialError })
    #expect(deviation.isAllowed && out.isIntact, "\(deviation)")
  }

  /// The vector exponential holds its argument at -87.3: what should vanish stays below 2^-125.
  @Test(arguments: InstructionSet.available)
  func exponentialOfExtremes(_ set: InstructionSet) {
    var x: [Float] = [-88, -1000, -.greatestFiniteMagnitude, -.infinity, .nan]
    set.kernels.softmax_from_lse(5, 5, 1, 0, &x)
    #expect(x[..<4].allSatisfy { (0...0x1p-125).contains($0) })
    #expect(x[4].isNaN)
  }

  /// A broken number must show in the loss, not be hidden by a clamp.
  @Test(arguments: InstructionSet.available, [0, 5, 16, 40])
  func notANumberShows(_ set: InstructionSet, _ place: Int) {
    for bad in [Float.nan, .infinity] {
      var x = [Float](repeating: 0.5, count: 41)
      x[place] = bad
      for cap: Float in [0, 30] {
        for gradient: Int32 in [0, 1] {
          var logits = x
          #expect(!set.kernels.cross_entropy(41, 3, cap, &logits, gradient).isFinite)
        }
      }
      var scores = x
      _ = set.kernels.softmax(41, 41, 1, &scores)
      #expect(scores.contains { $0.isNaN })
    }
  }

  /// Errors of a softmax over `x` (already times the scale), relative to each probability: the
  /// argument rounds by 2 units of its size, as does the shift, the exponential and the sum by less
  /// than 100 (vectors of 16 add at most 64 terms a lane before the sum goes on in Double).
  private func softmaxError(_ x: [Double]) -> Double {
    let largest = x.map(abs).max() ?? 0
    return (8 * largest + 100) * unit
  }

  /// softmax(x) and its log-sum-exp.
  private func shares(_ x: [Double]) -> (p: [Double], logSum: Double) {
    let top = x.max() ?? 0
    let sum = x.reduce(0.0) { $0 + exp($1 - top) }
    return (x.map { exp($0 - top) / sum }, top + log(sum))
  }

  @Test(arguments: InstructionSet.available)
  func softmax(_ set: InstructionSet) {
    for (index, count) in oddCounts.enumerated() {
      var random = RandomNumbers(seed: count)
      let scale: Float = [0.125, 1, 0.3][index % 3]
      let padded = (count + 63) / 64 * 64
      let scores = random.floats(count, scale: 10)
      let row = GuardedMemory(scores + [Float](repeating: 7, count: padded - count), slack: 64)
      let logSum = set.kernels.softmax(Int32(count), Int32(padded), scale, row.pointer)
      let x = scores.map { Double($0) * Double(scale) }
      let (probabilities, wantLog) = shares(x)
      let want = probabilities + [Double](repeating: 0, count: padded - count)
      let relative = softmaxError(x)
      let deviation = Deviation(row.values, want, allowing: want.map { $0 * relative })
      #expect(deviation.isAllowed && row.isIntact, "\(count): \(deviation)")
      #expect(abs(Double(logSum) - wantLog) <= relative + abs(wantLog) * 2 * unit)

      // Once more from the logarithm, as the backward pass does.
      let again = GuardedMemory(scores + [Float](repeating: 7, count: padded - count), slack: 64)
      set.kernels.softmax_from_lse(Int32(count), Int32(padded), scale, logSum, again.pointer)
      let second = Deviation(
        again.values, want, allowing: want.map { $0 * 2 * (relative + abs(wantLog) * unit) })
      #expect(second.isAllowed && again.isIntact, "\(count): \(second)")

      let dp = random.floats(count)
      let back = GuardedMemory(dp + [Float](repeating: 7, count: padded - count), slack: 64)
      set.kernels.softmax_backward(
        Int32(count), Int32(padded), scale, 0.25, row.pointer, back.pointer)
      let p = row.values.map(Double.init)
      let wantBack = (0..<padded).map { i in
        i < count ? Double(scale) * p[i] * (Double(dp[i]) - 0.25) : 0
      }
      let third = Deviation(back.values, wantBack, allowing: wantBack.map { abs($0) * 4 * unit })
      #expect(third.isAllowed && back.isIntact, "\(count): \(third)")
    }
  }

  /// Shares of a router: softmax of products with a few rows, the same bits for a token alone.
  @Test(arguments: InstructionSet.available)
  func probabilities(_ set: InstructionSet) {
    let compute = Compute(pool: WorkerPool(threads: 2), instructionSet: set)
    for (count, width) in [(1, 1), (2, 7), (8, 64), (17, 65), (60, 200), (128, 1025)] {
      var random = RandomNumbers(seed: width)
      let tokens = 11
      let x = GuardedMemory(random.floats(tokens * width))
      let rows = GuardedMemory(random.floats(count * width))
      let p = GuardedMemory<Float>(results: tokens * count, fill: .nan)
      compute.probabilities(
        x.pointer, rows: rows.pointer, count: count, width: width, tokens: tokens, into: p.pointer)
      let scores = Products(
        x.values.map(Double.init), rows.values.map(Double.init), m: tokens, n: count, depth: width)
      for t in 0..<tokens {
        let range = t * count..<(t + 1) * count
        let row = Array(scores.values[range])
        let want = shares(row).p
        // A score errs by width + 1 units of its magnitudes; numbers and normalizer see that.
        let size = scores.magnitudes[range].max() ?? 0
        let relative = softmaxError(row) + 2 * Double(width + 1) * unit * size
        let got = Array(p.values[range])
        let deviation = Deviation(got, want, allowing: want.map { $0 * relative })
        #expect(deviation.isAllowed, "\(count) x \(width): \(deviation)")
        let alone = GuardedMemory<Float>(results: count, fill: .nan)
        compute.probabilities(
          x.pointer + t * width, rows: rows.pointer, count: count, width: width, tokens: 1,
          into: alone.pointer)
        let same = alone.values == got
        #expect(same && alone.isIntact, "token \(t) alone")
      }
      #expect(p.isIntact && x.isIntact && rows.isIntact)
    }
  }

  /// Loss and gradient with respect to the numbers before the cap; 0 is none.
  @Test(arguments: InstructionSet.available, [Float(0), 4, 30])
  func crossEntropy(_ set: InstructionSet, _ cap: Float) {
    for (index, count) in (oddCounts + [49_152]).enumerated() {
      for gradient in [false, true] {
        checkLoss(set, cap: cap, count, scale: index % 2 == 0 ? 4 : 30, gradient: gradient)
      }
    }
  }

  private func checkLoss(
    _ set: InstructionSet, cap: Float, _ count: Int, scale: Float, gradient: Bool
  ) {
    let compute = Compute(pool: WorkerPool(threads: 2), precision: .fp32, instructionSet: set)
    var random = RandomNumbers(seed: count)
    let tokens = 3
    let rows = random.floats(tokens * count, scale: scale)
    let targets = [0, count / 2, count - 1].map(Int32.init)
    let logits = GuardedMemory(rows, slack: 256)
    if cap > 0 { compute.cap(logits.pointer, at: cap, count: rows.count) }
    let before = logits.values
    let losses = GuardedMemory<Double>(results: tokens, fill: .nan)
    compute.crossEntropy(
      logits.pointer, targets: targets, tokens: tokens, vocabulary: count,
      cap: cap > 0 ? cap : nil, gradient: gradient, losses: losses.pointer)
    #expect(logits.isIntact && losses.isIntact)
    let after = logits.values
    for t in 0..<tokens {
      let range = t * count..<(t + 1) * count
      let plain = rows[range].map(Double.init)
      let bent: [Double] = plain.map { cap > 0 ? tanh($0 / Double(cap)) : 0 }
      let x: [Double] = cap > 0 ? bent.map { Double(cap) * $0 } : plain
      let target = Int(targets[t])
      let (p, logSum) = shares(x)
      // A capped number errs by 10 units, see `SoftCapTests`, and so does the normalizer.
      let capError = cap > 0 ? 20 * unit * (x.map(abs).max() ?? 0) : 0
      let relative = softmaxError(x) + capError
      let want = logSum - x[target]
      #expect(abs(losses.pointer[t] - want) <= relative, "\(count): \(losses.pointer[t]) \(want)")
      guard gradient else {
        let unchanged = after[range] == before[range]
        #expect(unchanged, "logits change without gradient")
        continue
      }
      let slopes = bent.map { 1 - $0 * $0 }
      let hit: [Double] = p.indices.map { $0 == target ? 1 : 0 }
      let wanted = p.indices.map { (p[$0] - hit[$0]) * slopes[$0] }
      // The subtraction of 1 rounds too. The slope 1 - b^2 errs by 2 b^2 times the 11 units of b,
      // square and difference round; it multiplies p, and 1 at the target.
      let slopeError = cap > 0 ? 30 * unit : 0
      let bounds = p.indices.map {
        p[$0] * (relative * slopes[$0] + slopeError) + hit[$0] * (unit + slopeError) + 0x1p-100
      }
      let deviation = Deviation(Array(after[range]), wanted, allowing: bounds)
      #expect(deviation.isAllowed, "\(count): \(deviation)")
    }
  }

  /// What is below 2^-100 is 0: e^-80 is, e^-60 is not.
  @Test(arguments: InstructionSet.available)
  func vanishingProbabilitiesAreZero(_ set: InstructionSet) {
    var x: [Float] = [0, -60, -80]
    _ = set.kernels.cross_entropy(3, 0, 0, &x, 1)
    #expect(x[1] > 0 && x[2] == 0)
    var capped: [Float] = [0, -60, -80]
    _ = set.kernels.cross_entropy(3, 0, 100, &capped, 1)
    #expect(capped[1] > 0 && capped[2] == 0)
  }
}
