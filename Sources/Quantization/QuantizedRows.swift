/// Consecutive rows of a quantized matrix, as they lie in a base file.
package struct QuantizedRows: Sendable, Equatable {
  /// Of these rows: `layout.rows` is their number.
  package let layout: PackedLayout
  /// Packed codes [rows, rowStride].
  package var codes: [UInt8]
  /// [rows, G].
  package var scales: [Float16]
  /// [rows, G], each in 1...2^b-1.
  package var zeros: [UInt8]
  /// Sum over the rows of (w - s(q - z))^2, and of w^2.
  package var squaredError = 0.0
  package var squaredNorm = 0.0

  package init(layout: PackedLayout) {
    self.layout = layout
    codes = Array(repeating: 0, count: layout.byteCount)
    scales = Array(repeating: 1, count: layout.rows * layout.groups)
    zeros = Array(repeating: 0, count: layout.rows * layout.groups)
  }

  /// The weights [rows, I] that these codes stand for.
  package func dequantized() -> [Float] {
    var weights = [Float](repeating: 0, count: layout.rows * layout.columns)
    var row = [UInt8](repeating: 0, count: layout.columns)
    for o in 0..<layout.rows {
      codes.withUnsafeBytes { bytes in
        let packed = bytes[(o * layout.rowStride)..<((o + 1) * layout.rowStride)]
        row.withUnsafeMutableBufferPointer {
          PackedCodes.unpack(UnsafeRawBufferPointer(rebasing: packed), bits: layout.bits, into: $0)
        }
      }
      for i in 0..<layout.columns {
        let group = o * layout.groups + i / layout.groupSize
        weights[o * layout.columns + i] =
          Float(scales[group]) * (Float(row[i]) - Float(zeros[group]))
      }
    }
    return weights
  }
}
