import Kernels
import Quantization
import Testing

@Suite struct HalfGridTests {
  /// Every weight becomes a number of fp16, within half of the step that the rule gives.
  @Test(arguments: [1e-9, 1e-6, 3e-5, 0.02, 1, 300, 60_000] as [Float], [1, 63, 64, 200])
  func weightsAreHalves(size: Float, columns: Int) throws {
    var random = SplitMix64(seed: UInt64(columns))
    let rows = 5
    var weights = (0..<rows * columns).map { _ in size * Float(2 * random.unitInterval() - 1) }
    for i in 0..<columns { weights[columns + i] = 0 }
    let result = try weights.withUnsafeBufferPointer {
      try RowQuantizer.vocabulary.quantize(
        $0, rows: rows, columns: columns, pool: WorkerPool(threads: 2))
    }
    let (layout, dequantized) = (result.rows.layout, result.rows.dequantized())
    #expect(layout.bits == 8 && layout.groups == (columns + 63) / 64)
    var squared = 0.0
    for row in 0..<rows {
      for group in 0..<layout.groups {
        let range = group * 64..<min(group * 64 + 64, columns)
        let own = range.map { weights[row * columns + $0] }
        let scale = result.rows.scale(row * layout.groups + group)
        let exact = own.reduce(0) { max($0, abs($1)) } / 127
        if exact > 0 {
          // 4 bits, of which the first is 1: steps of an eighth at most; below them, fp16's last.
          #expect(scale >= exact && scale <= max(exact * 9 / 8, exact + 0x1p-24))
          let significand = scale.significand * 8
          #expect(significand == significand.rounded())
        }
        for (i, weight) in zip(range, own) {
          let value = dequantized[row * columns + i]
          #expect(Float(Float16(value)) == value)
          #expect(abs(value - weight) <= scale / 2 * (1 + 0x1p-20))
          squared += Double(value - weight) * Double(value - weight)
        }
      }
    }
    #expect(abs(result.squaredError - squared) <= 1e-6 * squared)
  }

  @Test func whatIsNotFiniteIsNamed() throws {
    var weights = [Float](repeating: 1, count: 3 * 70)
    weights[2 * 70 + 66] = .infinity
    #expect(throws: QuantizationError.notFinite(row: 12, column: 66)) {
      try weights.withUnsafeBufferPointer {
        try RowQuantizer.vocabulary.quantize(
          $0, rows: 3, columns: 70, firstRow: 10, pool: WorkerPool(threads: 1))
      }
    }
    weights[2 * 70 + 66] = 1e7
    #expect(throws: QuantizationError.scaleOverflow(row: 12, group: 1)) {
      try weights.withUnsafeBufferPointer {
        try RowQuantizer.vocabulary.quantize(
          $0, rows: 3, columns: 70, firstRow: 10, pool: WorkerPool(threads: 1))
      }
    }
  }
}
