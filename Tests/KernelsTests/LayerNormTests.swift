internal import Kernels
internal import Testing

/// LayerNorm and its gradient, every instruction set against Double; rows with a mean of 0, 40 and
/// -1000 where the deviation is below 2.
///
/// To first order, with u = 2^-24 (`unit`), `terms` additions on the way of a number into a sum,
/// and r = 1 / sqrt(V + epsilon), V the mean of d^2, d = x - mean:
/// - the mean errs by (terms + 1) u mean|x|, called m;
/// - d by m + u |d|;
/// - V by (terms + 4) u V and m^2: the d sum up to 0, so m does not count to first order;
/// - r, relatively, by half of that and of the sum with epsilon, and 3 u for root, quotient, spare.
@Suite(.serialized) struct LayerNormTests {
  private static let epsilon: Float = 1e-5

  /// Lanes of 16 and then the sum of lanes; the scalar table adds one after the other.
  private func terms(_ set: InstructionSet, _ width: Int) -> Double {
    Double(set == .scalar ? width : (width + 15) / 16 + 15)
  }

  private struct Row {
    let d: [Double]
    let mean, r, meanError, rError: Double

    init(_ row: ArraySlice<Float>, terms: Double) {
      let (x, n) = (row.map(Double.init), Double(row.count))
      let middle = x.reduce(0, +) / n
      let size = x.reduce(0.0) { $0 + abs($1) } / n
      let distances = x.map { $0 - middle }
      let squares = distances.reduce(0.0) { $0 + $1 * $1 } / n
      let variance = squares + Double(LayerNormTests.epsilon)
      let error = (terms + 1) * unit * size
      (d, mean, r, meanError) = (distances, middle, 1 / variance.squareRoot(), error)
      rError = ((terms + 5) * unit + error * error / variance) / 2 + 3 * unit
    }

    /// d(loss)/dx where d(loss)/dy times the weights is g: r (g - mean(g) - d r^2 mean(g d)).
    func gradient(_ g: [Double]) -> [Double] {
      let n = Double(d.count)
      let shift = g.reduce(0, +) / n
      let product = zip(g, d).reduce(0.0) { $0 + $1.0 * $1.1 } / n
      let slope = product * r * r
      return d.indices.map { r * (g[$0] - shift - d[$0] * slope) }
    }

    func gradientBounds(_ g: [Double], terms: Double) -> [Double] {
      let n = Double(d.count)
      let size = g.reduce(0.0) { $0 + abs($1) } / n
      let product = zip(g, d).reduce(0.0) { $0 + abs($1.0 * $1.1) } / n
      // g rounds, is summed and divided.
      let shiftError = (terms + 3) * unit * size
      // The error of d meets g; product, sum, quotient, r twice and its products.
      let relative = (terms + 8) * unit + 2 * rError
      let slopeError = r * r * (meanError * size + product * relative)
      return d.indices.map {
        let slopeSize = r * r * product
        let parts = abs(g[$0]) + size + abs(d[$0]) * slopeSize
        // Two differences, the product d * slope, g and the factor r round.
        let rounding = parts * (6 * unit + rError)
        return r * (shiftError + abs(d[$0]) * slopeError + meanError * slopeSize + rounding)
      }
    }
  }

  private func rows(_ tokens: Int, _ width: Int, _ random: inout RandomNumbers) -> [Float] {
    let offsets: [Float] = [0, 40, -1000]
    let numbers = random.floats(tokens * width, scale: 3)
    return numbers.indices.map { numbers[$0] + offsets[$0 / width % 3] }
  }

  private func expect(_ got: [Float], _ want: [Double], _ bounds: [Double], _ label: String) {
    let deviation = Deviation(got, want, allowing: bounds)
    #expect(deviation.isAllowed, "\(label): \(deviation)")
  }

  @Test(arguments: InstructionSet.available, [false, true])
  func forward(_ set: InstructionSet, _ hasBias: Bool) {
    let compute = Compute(pool: WorkerPool(threads: 2), precision: .fp32, instructionSet: set)
    for (index, width) in oddCounts.enumerated() {
      var random = RandomNumbers(seed: index)
      let (tokens, terms) = ([3, 1, 10][index % 3], self.terms(set, width))
      let x = GuardedMemory(rows(tokens, width, &random))
      let (weight, bias) = (
        GuardedMemory(random.floats(width)), GuardedMemory(random.floats(width))
      )
      let norm = Norm(
        .layer, width: width, epsilon: Self.epsilon, weight: weight.pointer,
        bias: hasBias ? UnsafePointer(bias.pointer) : nil)
      let y = GuardedMemory<Float>(results: tokens * width, fill: .nan)
      let statistics = GuardedMemory<Float>(results: 2 * tokens, fill: .nan)
      compute.normalize(
        x.pointer, norm, tokens: tokens, into: y.pointer, statistics: statistics.pointer)
      let (xs, ws) = (x.values, weight.values.map(Double.init))
      let bs = hasBias ? bias.values.map(Double.init) : [Double](repeating: 0, count: width)
      let all = (0..<tokens).map { Row(xs[$0 * width..<($0 + 1) * width], terms: terms) }
      let kept = statistics.values
      expect(
        Array(kept[..<tokens]), all.map(\.r), all.map { $0.r * $0.rError },
        "1 / deviation, width \(width)")
      expect(
        Array(kept[tokens...]), all.map(\.mean), all.map(\.meanError), "mean, width \(width)")
      var (want, bounds) = ([Double](), [Double]())
      for row in all {
        for i in 0..<width {
          let scaled = row.d[i] * row.r * ws[i]
          want.append(scaled + bs[i])
          // d with its error, times r, times the weight; the sum with the bias.
          let ofMean = abs(ws[i]) * row.r * row.meanError
          let ofProduct = abs(scaled) * (row.rError + 4 * unit)
          bounds.append(ofMean + ofProduct + (abs(scaled) + abs(bs[i])) * unit)
        }
      }
      expect(y.values, want, bounds, "norm, width \(width)")
      #expect(y.isIntact && statistics.isIntact && x.isIntact && weight.isIntact && bias.isIntact)
      // Only the statistics, for a backward pass that needs no more.
      let again = GuardedMemory<Float>(results: 2 * tokens, fill: .nan)
      compute.normalize(x.pointer, norm, tokens: tokens, into: nil, statistics: again.pointer)
      #expect(again.values == kept && again.isIntact)
    }
  }

  @Test(arguments: InstructionSet.available)
  func backward(_ set: InstructionSet) {
    let compute = Compute(pool: WorkerPool(threads: 2), precision: .fp32, instructionSet: set)
    for (index, width) in oddCounts.enumerated() {
      var random = RandomNumbers(seed: width)
      let (tokens, terms) = ([3, 1, 10][index % 3], self.terms(set, width))
      let x = GuardedMemory(rows(tokens, width, &random))
      let weight = GuardedMemory(random.floats(width))
      let dy = GuardedMemory(random.floats(tokens * width))
      let norm = Norm(.layer, width: width, epsilon: Self.epsilon, weight: weight.pointer)
      let y = GuardedMemory<Float>(results: tokens * width, fill: .nan)
      let statistics = GuardedMemory<Float>(results: 2 * tokens, fill: .nan)
      compute.normalize(
        x.pointer, norm, tokens: tokens, into: y.pointer, statistics: statistics.pointer)
      let dx = GuardedMemory<Float>(results: tokens * width, fill: 2)
      compute.normalizeBackward(
        x.pointer, norm, statistics: statistics.pointer, dy: dy.pointer, tokens: tokens,
        addingTo: dx.pointer)
      let (xs, ws, dys) = (x.values, weight.values, dy.values)
      var (want, bounds) = ([Double](), [Double]())
      for t in 0..<tokens {
        let row = Row(xs[t * width..<(t + 1) * width], terms: terms)
        let g = (0..<width).map { Double(ws[$0]) * Double(dys[t * width + $0]) }
        let slopes = row.gradient(g)
        want += slopes.map { 2 + $0 }
        // The sum with what was there rounds.
        bounds += zip(row.gradientBounds(g, terms: terms), slopes).map {
          $0 + (2 + abs($1)) * unit
        }
      }
      expect(dx.values, want, bounds, "norm backward, width \(width)")
      #expect(dx.isIntact && x.isIntact && dy.isIntact && weight.isIntact)
    }
  }

  /// The oracle's gradient against central differences in Double: with h = 1e-4 they err by h^2 / 6
  /// times third derivatives of order 1, and by 2^-52 * 10 / h.
  @Test func oracleGradientsAreSlopes() {
    var random = RandomNumbers(seed: 5)
    let (x, g) = (random.floats(9, scale: 3), random.floats(9).map(Double.init))
    let slopes = Row(x[...], terms: 0).gradient(g)
    func loss(_ x: [Double]) -> Double {
      let mean = x.reduce(0, +) / Double(x.count)
      let variance = x.reduce(0.0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count)
      let deviation = (variance + Double(Self.epsilon)).squareRoot()
      return zip(x, g).reduce(0.0) { $0 + ($1.0 - mean) / deviation * $1.1 }
    }
    for i in x.indices {
      var (up, down) = (x.map(Double.init), x.map(Double.init))
      up[i] += 1e-4
      down[i] -= 1e-4
      #expect(abs((loss(up) - loss(down)) / 2e-4 - slopes[i]) < 1e-7)
    }
  }
}
