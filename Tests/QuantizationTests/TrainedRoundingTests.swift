internal import Kernels
internal import Quantization
import Testing

@Suite struct TrainedRoundingTests {
  private static func start(
    _ settings: QuantizationSettings, rows: Int, columns: Int
  ) throws -> (weights: [Float], rows: CodedRows) {
    var random = SplitMix64(seed: 5)
    let weights = random.weights(rows * columns)
    let coded = try weights.withUnsafeBufferPointer {
      try RowQuantizer(settings).quantize(
        $0, rows: rows, columns: columns, pool: WorkerPool(threads: 1))
    }
    return (weights, coded.rows)
  }

  private static func values(_ training: TrainedRounding) -> [Float] {
    var values = [Float](repeating: 0, count: training.layout.rows * training.layout.columns)
    values.withUnsafeMutableBufferPointer {
      if let start = $0.baseAddress { training.write(to: start, on: WorkerPool(threads: 1)) }
    }
    return values
  }

  @Test(arguments: [-1, 32])
  func startsAtTheCodesItIsGiven(groupSize: Int) throws {
    let settings = QuantizationSettings(bits: 3, groupSize: groupSize)
    let (weights, rows) = try Self.start(settings, rows: 7, columns: 80)
    let training = weights.withUnsafeBufferPointer { TrainedRounding(rows, weights: $0) }
    #expect(training.codedRows() == rows)
    #expect(Self.values(training) == rows.dequantized())
  }

  /// Towards other weights: what the codes stand for comes nearer to them, and what is written is
  /// what is used.
  @Test(arguments: [-1, 32])
  func descends(groupSize: Int) throws {
    let settings = QuantizationSettings(bits: 4, groupSize: groupSize)
    let (weights, rows) = try Self.start(settings, rows: 7, columns: 80)
    let target = weights.enumerated().map { $1 * 1.1 + ($0 % 3 == 0 ? 0.05 : 0) }
    let training = weights.withUnsafeBufferPointer { TrainedRounding(rows, weights: $0) }
    func error() -> Float {
      zip(Self.values(training), target).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    }
    let before = error()
    for _ in 0..<60 {
      let gradient = zip(Self.values(training), target).map { 2 * ($0 - $1) }
      gradient.withUnsafeBufferPointer {
        if let start = $0.baseAddress {
          training.update(
            gradient: start, rate: (0.03, 0.003, 0), on: WorkerPool(threads: 2))
        }
      }
    }
    #expect(error() < 0.5 * before)
    #expect(Self.values(training) == training.codedRows().dequantized())
  }

  /// Gradients of v, d and e against central differences of a loop in Double, in which rounding
  /// keeps what it has added where a weight is inside its range, and adds nothing to zero points.
  @Test(arguments: [-1, 32])
  func gradients(groupSize: Int) throws {
    let settings = QuantizationSettings(bits: 2, groupSize: groupSize)
    let (weights, rows) = try Self.start(settings, rows: 3, columns: 80)
    let training = weights.withUnsafeBufferPointer { TrainedRounding(rows, weights: $0) }
    var random = SplitMix64(seed: 9)
    let slopes = random.weights(weights.count)
    let pool = WorkerPool(threads: 1)
    // Far steps of the weights alone: some leave the range of their codes.
    for _ in 0..<3 {
      slopes.withUnsafeBufferPointer {
        if let start = $0.baseAddress {
          training.update(gradient: start, rate: (0.25, 0, 0), on: pool)
        }
      }
    }
    let steps = training.numbers.steps.map { Double($0) }
    slopes.withUnsafeBufferPointer {
      if let start = $0.baseAddress { training.update(gradient: start, rate: (0, 0, 0), on: pool) }
    }
    let (layout, found) = (rows.layout, training.gradients)
    var cutOff = 0
    for row in 0..<layout.rows {
      for group in 0..<layout.groups {
        let place = row * layout.groups + group
        let start = group * layout.groupSize
        let columns = start..<min(layout.columns, start + layout.groupSize)
        let (scale, zero) = (Double(rows.scale(place)), Double(rows.zeros[place]))
        /// Sum of slopes times w' with v, d and e changed.
        func sum(_ column: Int? = nil, v: Double = 0, d: Double = 0, e: Double = 0) -> Double {
          columns.reduce(0) { sum, i in
            let at = row * layout.columns + i
            let rounded = steps[at].rounded(.toNearestOrEven)
            let isInside = (-zero...3 - zero).contains(rounded)
            let t = (steps[at] + (column == i ? v : 0)) / (1 + d)
            // The side on which a weight is cut off stays the same.
            let k = isInside ? t + (rounded - steps[at]) : (t < 0 ? 0 : 3) - (zero + e)
            return sum + Double(slopes[at]) * scale * (1 + d) * k
          }
        }
        let h = 1e-4
        func isNear(_ gradient: Float, _ difference: Double, _ size: Double) -> Bool {
          abs(Double(gradient) - difference / (2 * h)) <= 1e-5 * size
        }
        let size = columns.reduce(0) { $0 + abs(Double(slopes[row * layout.columns + $1])) * scale }
        #expect(isNear(found.changes[place], sum(d: h) - sum(d: -h), 4 * size))
        #expect(isNear(found.shifts[place], sum(e: h) - sum(e: -h), size))
        for i in columns {
          let gradient = found.steps[row * layout.columns + i]
          #expect(isNear(gradient, sum(i, v: h) - sum(i, v: -h), size))
          if gradient == 0 { cutOff += 1 }
        }
      }
    }
    #expect(cutOff > 10 && cutOff < weights.count / 2)
  }

  /// A zero point follows weights that go beyond its range, and stays within its codes.
  @Test(arguments: [(Float(4), 0), (-4, 3)])
  func zeroPointsFollow(distance: Float, end: Int) throws {
    let settings = QuantizationSettings(bits: 2, groupSize: 32)
    let (weights, rows) = try Self.start(settings, rows: 2, columns: 64)
    let training = weights.withUnsafeBufferPointer { TrainedRounding(rows, weights: $0) }
    let pool = WorkerPool(threads: 2)
    let target = (0..<weights.count).map { index in
      rows.scale(index / 32) * distance
    }
    for _ in 0..<200 {
      let gradient = zip(Self.values(training), target).map { 2 * ($0 - $1) }
      gradient.withUnsafeBufferPointer {
        if let start = $0.baseAddress {
          training.update(gradient: start, rate: (0.1, 0, 0.1), on: pool)
        }
      }
    }
    let now = training.codedRows()
    #expect(now.zeros.allSatisfy { $0 == end })
    #expect(now.scales == rows.scales)
    #expect(Self.values(training) == now.dequantized())
  }
}
