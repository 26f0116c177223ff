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
            gradient: start, rate: (0.03, 0.003), on: WorkerPool(threads: 2))
        }
      }
    }
    #expect(error() < 0.5 * before)
    #expect(Self.values(training) == training.codedRows().dequantized())
  }
}
