package import Kernels

/// A quantized matrix in memory of its own, ready for products.
package final class CodedMatrix {
  package let rows: CodedRows
  private let codes, scales, zeros: NumberBuffer<UInt8>

  /// `rows` are all rows of the matrix, with integer zero points.
  package init(_ rows: CodedRows) {
    precondition(rows.layout.offset == .zeros && rows.layout.groupsPerScale == 1)
    self.rows = rows
    func copy(_ bytes: [UInt8]) -> NumberBuffer<UInt8> {
      let buffer = NumberBuffer<UInt8>(count: bytes.count)
      _ = buffer.elements.update(fromContentsOf: bytes)
      return buffer
    }
    (codes, scales, zeros) = (copy(rows.codes), copy(rows.scales), copy(rows.zeros))
  }

  /// Valid as long as this object lives.
  package var matrix: WeightMatrix {
    let layout = rows.layout
    return WeightMatrix(
      codes: codes.pointer, rows: layout.rows, columns: layout.columns, bits: layout.bits,
      groupSize: layout.groupSize, rowStride: layout.rowStride, scales: scales.pointer,
      scaleType: layout.scaleType, offset: .zeros(UnsafePointer(zeros.pointer)))
  }
}

extension CodedRows {
  /// Some of these rows, of a matrix with integer zero points.
  package func part(_ part: Range<Int>) -> CodedRows {
    var result = CodedRows(layout: layout.with(rows: part.count))
    func cut(_ bytes: [UInt8]) -> [UInt8] {
      let width = bytes.count / layout.rows
      return Array(bytes[part.lowerBound * width..<part.upperBound * width])
    }
    (result.codes, result.scales, result.zeros) = (cut(codes), cut(scales), cut(zeros))
    return result
  }
}
