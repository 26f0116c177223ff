internal import CKernels
internal import Kernels
internal import Testing

/// Norm, rotation, activation and column sums, every instruction set against Double.
///
/// Bounds count roundings of 2^-24 (`unit`), to first order; derivatives come from central
/// differences in Double with step h = 1e-4, whose own error of h^2 / 6 times the third derivative
/// (of order 1 here) is the 1e-8 added to their bounds.
@Suite(.serialized) struct ElementwiseTests {
  private static let step = 1e-4
  private static let stepError = 1e-8

  private func results(_ count: Int, fill: Float = .nan) -> GuardedMemory<Float> {
    GuardedMemory(results: count, fill: fill)
  }

  private func expect(
    _ got: GuardedMemory<Float>, _ want: [Double], _ bounds: [Double], _ label: String
  ) {
    let deviation = Deviation(got.values, want, allowing: bounds)
    #expect(deviation.isAllowed, "\(label): \(deviation)")
    #expect(got.isIntact, "\(label) wrote outside")
  }

  @Test(arguments: InstructionSet.available)
  func rmsNorm(_ set: InstructionSet) {
    let compute = Compute(pool: WorkerPool(threads: 2), precision: .fp32, instructionSet: set)
    for (index, width) in oddCounts.enumerated() {
      var random = RandomNumbers(seed: index)
      let tokens = [1, 5, 9][index % 3]
      let x = GuardedMemory(random.floats(tokens * width, scale: 3))
      let weight = GuardedMemory(random.floats(width))
      let y = results(tokens * width)
      let inverse = results(tokens)
      compute.normalize(
        x.pointer, Norm(.rms, width: width, epsilon: 1e-3, weight: weight.pointer), tokens: tokens,
        into: y.pointer, statistics: inverse.pointer)
      let (xs, ws) = (x.values, weight.values)
      let factor = (0..<tokens).map { t in
        let sum = (0..<width).reduce(0.0) {
          $0 + Double(xs[t * width + $1]) * Double(xs[t * width + $1])
        }
        return 1 / (sum / Double(width) + Double(Float(1e-3))).squareRoot()
      }
      // A sum of n squares errs by n units, its root by half of them; six single operations follow.
      let relative = (Double(width) / 2 + 6) * unit
      let want = xs.indices.map { Double(xs[$0]) * factor[$0 / width] * Double(ws[$0 % width]) }
      expect(inverse, factor, factor.map { $0 * relative }, "\(set) 1 / rms, width \(width)")
      expect(y, want, want.map { abs($0) * relative }, "\(set) norm, width \(width)")
    }
  }

  @Test(arguments: InstructionSet.available)
  func rmsNormBackward(_ set: InstructionSet) {
    let compute = Compute(pool: WorkerPool(threads: 2), precision: .fp32, instructionSet: set)
    for width in [1, 7, 16, 17, 65, 200] {
      var random = RandomNumbers(seed: width)
      let tokens = 3
      let x = GuardedMemory(random.floats(tokens * width).map { $0 + ($0 < 0 ? -0.5 : 0.5) })
      let weight = GuardedMemory(random.floats(width))
      let dy = GuardedMemory(random.floats(tokens * width))
      let (xs, ws, dys) = (x.values, weight.values.map(Double.init), dy.values.map(Double.init))
      func loss(_ t: Int, _ row: [Double]) -> Double {
        let mean = row.reduce(0) { $0 + $1 * $1 } / Double(width) + Double(Float(1e-5))
        return row.indices.reduce(0) {
          $0 + dys[t * width + $1] * ws[$1] * row[$1] / mean.squareRoot()
        }
      }
      var want: [Double] = []
      var bounds: [Double] = []
      for t in 0..<tokens {
        var row = xs[t * width..<(t + 1) * width].map(Double.init)
        let scale = 1 / (row.reduce(0) { $0 + $1 * $1 } / Double(width) + 1e-5).squareRoot()
        let sum = row.indices.reduce(0.0) { $0 + abs(ws[$1] * dys[t * width + $1] * row[$1]) }
        for i in 0..<width {
          let at = row[i]
          row[i] = at + Self.step
          let above = loss(t, row)
          row[i] = at - Self.step
          let slope = (above - loss(t, row)) / (2 * Self.step)
          row[i] = at
          want.append(2 + slope)
          // r (w dy - x r^2 S / n): r enters three times with n/2 + 6 units, S with n.
          let size =
            scale
            * (abs(ws[i] * dys[t * width + i])
              + abs(at) * scale * scale * sum / Double(width))
          bounds.append(
            (2.5 * Double(width) + 30) * unit * size + 2 * unit * 2 + Self.stepError * (1 + size))
        }
      }
      let (y, inverse) = (results(tokens * width), results(tokens))
      let norm = Norm(.rms, width: width, epsilon: 1e-5, weight: weight.pointer)
      compute.normalize(
        x.pointer, norm, tokens: tokens, into: y.pointer, statistics: inverse.pointer)
      let dx = results(tokens * width, fill: 2)
      compute.normalizeBackward(
        x.pointer, norm, statistics: inverse.pointer, dy: dy.pointer, tokens: tokens,
        addingTo: dx.pointer)
      expect(dx, want, bounds, "\(set) norm backward, width \(width)")
    }
  }

  /// Numbers of a head, and how many of them turn.
  static let headSizes: [(size: Int, rotated: Int)] = [
    (2, 2), (16, 16), (30, 30), (64, 64), (80, 80), (128, 128), (5, 2), (30, 10), (64, 16),
    (80, 32), (100, 66), (128, 64),
  ]

  @Test(arguments: InstructionSet.available, headSizes.indices)
  func rope(_ set: InstructionSet, _ index: Int) {
    let (size, rotated) = Self.headSizes[index]
    let compute = Compute(pool: WorkerPool(threads: 2), precision: .fp32, instructionSet: set)
    var random = RandomNumbers(seed: size)
    let (tokens, heads, half) = (11, 3, rotated / 2)
    let angles = random.floats(tokens * half, scale: 3).map(Double.init)
    let cosine = GuardedMemory(angles.map { Float(cosineOf($0)) })
    let sine = GuardedMemory(angles.map { Float(cosineOf($0 - .pi / 2)) })
    let x = GuardedMemory(random.floats(tokens * heads * size))
    let xs = x.values.map(Double.init)
    for backward in [false, true] {
      // What does not turn is copied.
      var want = xs
      var bounds = [Double](repeating: 0, count: xs.count)
      for at in xs.indices where at % size < half {
        let pair = at / (heads * size) * half + at % size
        let (a, b) = (xs[at], xs[at + half])
        let turn = backward ? -angles[pair] : angles[pair]
        let (c, s) = (cosineOf(turn), cosineOf(turn - .pi / 2))
        want[at] = a * c - b * s
        want[at + half] = a * s + b * c
        // The table rounds once, products and sum once each.
        bounds[at] = 4 * unit * (abs(a) + abs(b))
        bounds[at + half] = bounds[at]
      }
      let y = results(xs.count)
      compute.rope(
        x.pointer, tokens: tokens, heads: heads, headSize: size, rotated: rotated,
        cosine: cosine.pointer, sine: sine.pointer, backward: backward, into: y.pointer)
      expect(y, want, bounds, "\(set) rope, \(rotated) of \(size)")
      let inPlace = GuardedMemory(x.values)
      compute.rope(
        inPlace.pointer, tokens: tokens, heads: heads, headSize: size, rotated: rotated,
        cosine: cosine.pointer, sine: sine.pointer, backward: backward, into: inPlace.pointer)
      let same = inPlace.values == y.values
      #expect(same && inPlace.isIntact, "in place")
      compute.rope(
        y.pointer, tokens: tokens, heads: heads, headSize: size, rotated: rotated,
        cosine: cosine.pointer, sine: sine.pointer, backward: !backward, into: y.pointer)
      // There and back: twice the error, grown by the second rotation.
      let returned = bounds.map { $0 == 0 ? 0 : 3 * $0 + 4 * unit }
      expect(y, xs, returned, "\(set) rope and back, \(rotated) of \(size)")
    }
  }

  /// cos by its series, so that no mathematics library stands on both sides; |x| < 7.
  private func cosineOf(_ x: Double) -> Double {
    var (term, sum) = (1.0, 1.0)
    for k in 1...30 {
      term *= -x * x / Double((2 * k - 1) * 2 * k)
      sum += term
    }
    return sum
  }

  @Test(arguments: InstructionSet.available)
  func dotAndAdd(_ set: InstructionSet) {
    for (index, count) in oddCounts.enumerated() {
      var random = RandomNumbers(seed: index)
      let a = GuardedMemory(random.floats(count))
      let b = GuardedMemory(random.floats(count))
      let sum = Products(
        a.values.map(Double.init), b.values.map(Double.init), m: 1, n: 1, depth: count)
      let got = set.kernels.dot(Int32(count), a.pointer, b.pointer)
      let deviation = Deviation(
        [got], sum.values, allowing: [sum.magnitudes[0] * Double(count + 1) * unit])
      #expect(deviation.isAllowed, "\(set) \(count): \(deviation)")
      let want = zip(a.values, b.values).map { $0 + $1 }
      let y = GuardedMemory(b.values, slack: 256)
      Compute(pool: WorkerPool(threads: 2), instructionSet: set)
        .add(a.pointer, to: y.pointer, count: count)
      let right = y.values == want
      #expect(right && y.isIntact, "one addition has one right result")
    }
  }

  @Test(arguments: InstructionSet.available)
  func addBias(_ set: InstructionSet) {
    let compute = Compute(pool: WorkerPool(threads: 2), instructionSet: set)
    for (index, width) in oddCounts.enumerated() {
      var random = RandomNumbers(seed: index)
      let tokens = [1, 5, 19][index % 3]
      let x = GuardedMemory(random.floats(tokens * width))
      let bias = GuardedMemory(random.floats(width))
      let y = results(x.count)
      compute.addBias(bias.pointer, width: width, to: x.pointer, tokens: tokens, into: y.pointer)
      let (xs, bs) = (x.values, bias.values)
      let right = y.values == xs.indices.map { xs[$0] + bs[$0 % width] }
      #expect(right && y.isIntact, "one addition has one right result")
      compute.addBias(bias.pointer, width: width, to: x.pointer, tokens: tokens, into: x.pointer)
      let same = x.values == y.values
      #expect(same && x.isIntact && bias.isIntact, "in place")
    }
  }
}
