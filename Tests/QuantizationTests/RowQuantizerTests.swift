internal import Kernels
internal import Quantization
import Testing

private func quantize(
  _ weights: [Float], rows: Int, _ settings: QuantizationSettings, threads: Int = 1
) throws -> QuantizedRows {
  let pool = WorkerPool(threads: threads)
  return try weights.withUnsafeBufferPointer {
    try RowQuantizer(settings).quantize(
      $0, rows: rows, columns: weights.count / rows, pool: pool)
  }
}

/// Sum of squared errors in Double, with nothing shared with the code under test.
private func error(_ weights: [Float], scale: Double, zero: Int, maximum: Int) -> Double {
  weights.reduce(0) { sum, w in
    let code = min(max((Double(w) / scale).rounded() + Double(zero), 0), Double(maximum))
    let difference = Double(w) - scale * (code - Double(zero))
    return sum + difference * difference
  }
}

/// The least error over every zero point and every fp16 scale from a fiftieth of the largest weight
/// up to all of it.
private func bruteForce(_ weights: [Float], bits: Int, symmetric: Bool) -> Double {
  let maximum = 1 << bits - 1
  let largest = weights.reduce(0) { max($0, abs($1)) }
  let zeros = symmetric ? [1 << (bits - 1)] : Array(1...maximum)
  var best = Double.infinity
  var scale = Float16(largest / 50)
  while Float(scale) <= largest * 1.01 {
    for zero in zeros {
      best = min(best, error(weights, scale: Double(scale), zero: zero, maximum: maximum))
    }
    scale = scale.nextUp
  }
  return best
}

@Suite struct RowQuantizerTests {
  /// The search looks at scales 1.25 % apart near the best of a grid 10 % apart, so it may
  /// settle in a neighbouring valley. How much that costs is a property of the search, stated here:
  /// never more than 6 % of the squared error of a group, 1 % on average.
  @Test(arguments: [2, 3, 4], [false, true])
  func comesCloseToTheBestGridOfAll(bits: Int, symmetric: Bool) throws {
    var random = SplitMix64(seed: UInt64(bits * 2 + (symmetric ? 1 : 0)))
    var (found, best) = (0.0, 0.0)
    for columns in [24, 32, 64, 96, 128] {
      let weights = random.weights(columns)
      let settings = QuantizationSettings(bits: bits, groupSize: -1, symmetric: symmetric)
      let rows = try quantize(weights, rows: 1, settings)
      let least = bruteForce(weights, bits: bits, symmetric: symmetric)
      let actual = zip(weights, rows.rows.dequantized()).reduce(0) { sum, pair in
        sum + Double((pair.0 - pair.1) * (pair.0 - pair.1))
      }
      #expect(abs(actual - rows.squaredError) <= 1e-4 * actual)
      #expect(actual <= 1.06 * least, "columns \(columns): \(actual / least)")
      found += actual
      best += least
    }
    #expect(found <= 1.01 * best, "\(found / best)")
  }

  /// Weights that lie on a 4-bit grid of fp16 scales and integer zero points come back unchanged:
  /// the true scale is within a fine step, and one alternation finds it.
  @Test(arguments: [4, 3, 2])
  func reproducesWhatLiesOnTheGrid(bits: Int) throws {
    var random = SplitMix64(seed: 7)
    let maximum = 1 << bits - 1
    var weights: [Float] = []
    for _ in 0..<60 {
      let scale = Float(Float16(Float.random(in: 0.001...0.2, using: &random)))
      let zero = Int.random(in: 1...maximum, using: &random)
      // Both ends occur, as in a file whose groups were cut to their range.
      let codes = [0, maximum] + (2..<32).map { _ in Int.random(in: 0...maximum, using: &random) }
      weights += codes.map { scale * Float($0 - zero) }
    }
    let rows = try quantize(weights, rows: 10, .init(bits: bits, groupSize: 32))
    #expect(rows.rows.dequantized() == weights)
    #expect(rows.squaredError == 0)
  }

  @Test(arguments: [2, 3, 4, 8], [-1, 32, 64, 128, 256])
  func everyLayoutDequantizesToItsStatedError(bits: Int, groupSize: Int) throws {
    var random = SplitMix64(seed: UInt64(bits * 1000 + groupSize + 1))
    let columns = 300  // the last group is partial
    let weights = random.weights(3 * columns)
    let rows = try quantize(weights, rows: 3, .init(bits: bits, groupSize: groupSize))
    let back = rows.rows.dequantized()
    let actual = zip(weights, back).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
    #expect(abs(actual - rows.squaredError) <= 1e-4 * rows.squaredError)
    #expect(rows.rows.zeros.allSatisfy { (1...rows.rows.layout.maximumCode).contains(Int($0)) })
    // A least-squares grid is never worse than the plain one from minimum to maximum.
    for o in 0..<3 {
      for group in 0..<rows.rows.layout.groups {
        let start = o * columns + group * rows.rows.layout.groupSize
        let values = Array(
          weights[start..<min(start + rows.rows.layout.groupSize, (o + 1) * columns)])
        let (low, high) = (min(values.min() ?? 0, 0), max(values.max() ?? 0, 0))
        let scale = Double(Float16((high - low) / Float(rows.rows.layout.maximumCode)))
        let zero = Int((-Double(low) / scale).rounded())
        let clamped = min(max(zero, 1), rows.rows.layout.maximumCode)
        let plain = error(
          values, scale: scale, zero: clamped, maximum: rows.rows.layout.maximumCode)
        let ours = error(
          values, scale: Double(rows.rows.scale(o * rows.rows.layout.groups + group)),
          zero: Int(rows.rows.zeros[o * rows.rows.layout.groups + group]),
          maximum: rows.rows.layout.maximumCode)
        // 1e-4: errors of the search are sums in Float.
        #expect(ours <= plain * 1.0001)
      }
    }
  }

  @Test func threadsDoNotChangeABit() throws {
    var random = SplitMix64(seed: 3)
    let weights = random.weights(37 * 200)
    let settings = QuantizationSettings(bits: 3, groupSize: 64)
    let one = try quantize(weights, rows: 37, settings)
    #expect(try quantize(weights, rows: 37, settings, threads: 2) == one)
    #expect(try quantize(weights, rows: 37, settings, threads: 3) == one)
    // Nor does the cut into pieces.
    let tail = try quantize(Array(weights[(20 * 200)...]), rows: 17, settings)
    #expect(Array(one.rows.scales[(20 * 4 * 2)...]) == tail.rows.scales)
    #expect(Array(one.rows.codes[(20 * one.rows.layout.rowStride)...]) == tail.rows.codes)
  }

  @Test(arguments: [false, true])
  func zeroGroupsHaveScaleOneAndNoError(symmetric: Bool) throws {
    let rows = try quantize(
      [Float](repeating: 0, count: 128), rows: 1,
      .init(bits: 4, groupSize: 64, symmetric: symmetric))
    #expect(rows.rows.scale(0) == 1 && rows.rows.scale(1) == 1)
    #expect(rows.rows.zeros == [8, 8])
    #expect(rows.rows.dequantized().allSatisfy { $0 == 0 })
  }

  @Test(arguments: [
    [Float](repeating: 0.3, count: 40), [Float](repeating: -0.3, count: 40),
    (0..<40).map { Float($0) * 0.01 + 1 }, (0..<40).map { -Float($0) * 0.01 - 1 },
    [1e-9, -1e-9], [60_000, -60_000, 3], [0, 0, 0, 1],
  ])
  func oddRangesStayWithinHalfAStep(weights: [Float]) throws {
    let rows = try quantize(weights, rows: 1, .init(bits: 8))
    // The scale that clips nothing has this error at most; least squares only improves the sum.
    let step = Double(weights.reduce(0) { max($0, abs($1)) }) / 127 + 6e-8
    #expect(rows.squaredError <= Double(weights.count) * step * step / 4 * 1.01)
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func refusesWhatIsNotFiniteAndSaysWhere(bad: Float) throws {
    var weights = [Float](repeating: 0.1, count: 5 * 70)
    weights[3 * 70 + 69] = bad
    let pool = WorkerPool(threads: 2)
    let quantizer = try RowQuantizer(.init(bits: 4, groupSize: 32))
    #expect(throws: QuantizationError.notFinite(row: 103, column: 69)) {
      _ = try weights.withUnsafeBufferPointer {
        try quantizer.quantize($0, rows: 5, columns: 70, firstRow: 100, pool: pool)
      }
    }
  }

  @Test func refusesScalesBeyondHalfPrecision() {
    #expect(throws: QuantizationError.scaleOverflow(row: 0, group: 1)) {
      _ = try quantize([Float](repeating: 1, count: 32) + [1e7, 0], rows: 1, .init(groupSize: 32))
    }
  }

  @Test func settingsOutsideTheRangeAreRefused() {
    for bits in [-1, 0, 1, 5, 16] {
      #expect(throws: QuantizationError.self) { try QuantizationSettings(bits: bits).validate() }
    }
    for group in [-2, 0, 1, 48, 512] {
      #expect(throws: QuantizationError.self) {
        try QuantizationSettings(groupSize: group).validate()
      }
    }
    #expect(throws: QuantizationError.self) { try QuantizationSettings(bits: 2).validate() }
    #expect(throws: Never.self) {
      try QuantizationSettings(bits: 2).validate(allowingPoorQuality: true)
    }
  }
}
