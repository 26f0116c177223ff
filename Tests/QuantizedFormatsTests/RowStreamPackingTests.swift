internal import Quantization
internal import QuantizedFormats
import Testing

/// [outputs, ceil(I*b/32)] words, bit by bit; rows that are not stored are 0xAA.
private func stream(_ matrix: CodeMatrix) -> [UInt8] {
  let words = (matrix.columns * matrix.bits + 31) / 32
  return (0..<matrix.outputs).flatMap { output in
    var row = [UInt8](repeating: 0, count: words * 4)
    for (column, code) in matrix.codes[output].enumerated() {
      put(code, bits: matrix.bits, index: column, into: &row)
    }
    return matrix.storedRows.contains(output) ? row : row.map { _ in 0xAA }
  }
}

/// weight_zero_point [ceil(O*b/32), G], bit by bit.
private func zeroPoints(_ matrix: CodeMatrix) -> [UInt8] {
  let words = (matrix.outputs * matrix.bits + 31) / 32
  var bytes = [UInt8](repeating: 0, count: words * matrix.columns * 4)
  for (output, row) in matrix.codes.enumerated() {
    for (group, zero) in row.enumerated() {
      put(zero, bits: matrix.bits, index: output, into: &bytes) { $0 * matrix.columns + group }
    }
  }
  return bytes
}

@Suite struct RowStreamPackingTests {
  @Test(arguments: PackedLayout.supportedBits, [(1, 1), (7, 32), (19, 100), (12, 576)])
  func takesAndGivesRows(bits: Int, shape: (Int, Int)) {
    for rows in CodeMatrix.Rows.allCases {
      let matrix = CodeMatrix(outputs: shape.0, columns: shape.1, bits: bits, rows: rows)
      let file = stream(matrix)
      matrix.storedRows.withUnsafeBufferPointer { rows in
        let ours = written(matrix.layout.byteCount) { codes in
          unaligned(file) {
            RowStreamPacking.unpack(
              $0, layout: matrix.layout, storedRows: rows, outputs: matrix.outputs, into: codes)
          }
        }
        #expect(ours == matrix.packed)
        let count = RowStreamPacking.byteCount(
          columns: matrix.columns, bits: bits, outputs: matrix.outputs)
        let back = written(count) { words in
          unaligned(matrix.packed) {
            RowStreamPacking.pack(
              $0, layout: matrix.layout, storedRows: rows, outputs: matrix.outputs, into: words)
          }
        }
        #expect(back == file)
      }
    }
  }

  /// A file may have anything there; our rows do not.
  @Test(arguments: PackedLayout.supportedBits)
  func bitsBehindTheLastCodeAreNotTaken(bits: Int) {
    let matrix = CodeMatrix(outputs: 1, columns: 69, bits: bits)
    var file = stream(matrix)
    for bit in 69 * bits..<file.count * 8 { file[bit / 8] |= 1 << UInt8(bit % 8) }
    #expect(file != stream(matrix))
    let ours = written(matrix.layout.byteCount) { codes in
      unaligned(file) { file in
        [0].withUnsafeBufferPointer {
          RowStreamPacking.unpack(
            file, layout: matrix.layout, storedRows: $0, outputs: 1, into: codes)
        }
      }
    }
    #expect(ours == matrix.packed)
  }

  @Test(arguments: PackedLayout.supportedBits, [(1, 1), (32, 3), (45, 2), (100, 9)])
  func takesAndGivesZeroPoints(bits: Int, shape: (Int, Int)) {
    for rows in CodeMatrix.Rows.allCases {
      let matrix = CodeMatrix(outputs: shape.0, columns: shape.1, bits: bits, rows: rows)
      let file = zeroPoints(matrix)
      matrix.storedRows.withUnsafeBufferPointer { rows in
        let zeros = written(matrix.plain.count) { zeros in
          unaligned(file) {
            RowStreamPacking.unpackZeros(
              $0, bits: bits, groups: matrix.columns, storedRows: rows, outputs: matrix.outputs,
              into: zeros)
          }
        }
        #expect(zeros == matrix.plain)
        guard rows.count == matrix.outputs else { return }
        let count = RowStreamPacking.zerosByteCount(
          groups: matrix.columns, bits: bits, outputs: matrix.outputs)
        let back = written(count) { words in
          unaligned(matrix.plain) {
            RowStreamPacking.packZeros(
              $0, bits: bits, groups: matrix.columns, storedRows: rows, outputs: matrix.outputs,
              into: words)
          }
        }
        #expect(back == file)
      }
    }
  }

  /// I8 is q - 128: -128 for 0, 127 for 255.
  @Test(arguments: [(1, 1), (9, 64), (11, 77)], CodeMatrix.Rows.allCases)
  func takesAndGivesSignedBytes(shape: (Int, Int), rows: CodeMatrix.Rows) {
    let matrix = CodeMatrix(outputs: shape.0, columns: shape.1, bits: 8, rows: rows)
    let file = (0..<matrix.outputs).flatMap { output in
      matrix.codes[output].map { code in
        matrix.storedRows.contains(output) ? UInt8(bitPattern: Int8(Int(code) - 128)) : 0xAA
      }
    }
    matrix.storedRows.withUnsafeBufferPointer { rows in
      let ours = written(matrix.layout.byteCount) { codes in
        unaligned(file) {
          RowStreamPacking.unpackSigned(
            $0, layout: matrix.layout, storedRows: rows, outputs: matrix.outputs, into: codes)
        }
      }
      #expect(ours == matrix.packed)
      let back = written(file.count) { weights in
        unaligned(matrix.packed) {
          RowStreamPacking.packSigned(
            $0, layout: matrix.layout, storedRows: rows, outputs: matrix.outputs, into: weights)
        }
      }
      #expect(back == file)
    }
  }
}
