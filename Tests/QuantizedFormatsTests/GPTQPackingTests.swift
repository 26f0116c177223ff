internal import Quantization
internal import QuantizedFormats
import Testing

/// [outputs, columns]: whole and partial words, whole and partial blocks of a transposition.
private let shapes = [(1, 1), (4, 32), (16, 64), (19, 100), (33, 576), (50, 1041), (64, 256)]

/// qweight [ceil(I*b/32), O], bit by bit.
private func qweight(_ matrix: CodeMatrix) -> [UInt8] {
  let words = (matrix.columns * matrix.bits + 31) / 32
  var bytes = [UInt8](repeating: 0, count: words * matrix.outputs * 4)
  for (output, row) in matrix.codes.enumerated() {
    for (column, code) in row.enumerated() {
      put(code, bits: matrix.bits, index: column, into: &bytes) { $0 * matrix.outputs + output }
    }
  }
  return bytes
}

private func unpacked(_ file: [UInt8], _ matrix: CodeMatrix) -> [UInt8]? {
  written(matrix.layout.byteCount) { codes in
    unaligned(file) { file in
      matrix.storedRows.withUnsafeBufferPointer {
        GPTQPacking.unpack(
          file, layout: matrix.layout, storedRows: $0, outputs: matrix.outputs, into: codes)
      }
    }
  }
}

private func packed(_ matrix: CodeMatrix, over filling: UInt8) -> [UInt8]? {
  let count = GPTQPacking.byteCount(
    columns: matrix.columns, bits: matrix.bits, outputs: matrix.outputs)
  return written(count, filling: filling) { words in
    unaligned(matrix.packed) { codes in
      matrix.storedRows.withUnsafeBufferPointer {
        GPTQPacking.pack(
          codes, layout: matrix.layout, storedRows: $0, outputs: matrix.outputs, into: words)
      }
    }
  }
}

@Suite struct GPTQPackingTests {
  @Test(arguments: GPTQPacking.supportedBits, shapes)
  func takesAndGivesTheWordsOfTheFormat(bits: Int, shape: (Int, Int)) {
    for rows in CodeMatrix.Rows.allCases {
      let matrix = CodeMatrix(outputs: shape.0, columns: shape.1, bits: bits, rows: rows)
      let file = qweight(matrix)
      #expect(unpacked(file, matrix) == matrix.packed)
      guard rows == .some else {
        #expect(packed(matrix, over: 0xAA) == file)
        continue
      }
      let kept = Set(matrix.storedRows)
      let expected = file.indices.map { kept.contains($0 / 4 % matrix.outputs) ? file[$0] : 0xAA }
      #expect(packed(matrix, over: 0xAA) == expected)
    }
  }

  /// A file may have anything there; our rows do not.
  @Test(arguments: GPTQPacking.supportedBits)
  func bitsBehindTheLastCodeAreNotTaken(bits: Int) {
    let matrix = CodeMatrix(outputs: 21, columns: 69, bits: bits)
    var file = qweight(matrix)
    let words = (69 * bits + 31) / 32
    let unused = UInt32.max << UInt32(69 * bits % 32)
    for byte in 0..<4 {
      for output in 0..<21 {
        file[((words - 1) * 21 + output) * 4 + byte] |= UInt8(unused >> UInt32(8 * byte) & 0xFF)
      }
    }
    #expect(file != qweight(matrix))
    #expect(unpacked(file, matrix) == matrix.packed)
  }

  @Test func sizesOfTensors() {
    #expect(GPTQPacking.wordRows(columns: 576, bits: 3) == 54)
    #expect(GPTQPacking.wordRows(columns: 33, bits: 3) == 4)
    #expect(GPTQPacking.byteCount(columns: 33, bits: 2, outputs: 7) == 3 * 7 * 4)
    #expect(GPTQPacking.zerosByteCount(groups: 5, bits: 4, outputs: 9) == 5 * 2 * 4)
  }
}

@Suite struct GPTQScalesPackingTests {
  @Test(arguments: [2, 4], [(1, 1), (5, 19), (16, 32), (18, 37), (40, 64)])
  func scalesAreTransposed(scaleBytes: Int, shape: (Int, Int)) {
    let (groups, outputs) = shape
    for rows in CodeMatrix.Rows.allCases {
      let matrix = CodeMatrix(outputs: outputs, columns: groups * scaleBytes, bits: 8, rows: rows)
      var file = [UInt8](repeating: 0xAA, count: outputs * groups * scaleBytes)
      let kept = rows == .some ? matrix.storedRows : Array(0..<outputs)
      for output in kept {
        for group in 0..<groups {
          for byte in 0..<scaleBytes {
            file[(group * outputs + output) * scaleBytes + byte] =
              matrix.codes[output][group * scaleBytes + byte]
          }
        }
      }
      let ours = written(matrix.plain.count) { result in
        unaligned(file) { file in
          matrix.storedRows.withUnsafeBufferPointer {
            ScaleTransposition.unpack(
              file, groups: groups, scaleBytes: scaleBytes, storedRows: $0, outputs: outputs,
              into: result)
          }
        }
      }
      #expect(ours == matrix.plain)
      let back = written(file.count) { result in
        unaligned(matrix.plain) { scales in
          matrix.storedRows.withUnsafeBufferPointer {
            ScaleTransposition.pack(
              scales, groups: groups, scaleBytes: scaleBytes, storedRows: $0, outputs: outputs,
              into: result)
          }
        }
      }
      #expect(back == file)
    }
  }
}
