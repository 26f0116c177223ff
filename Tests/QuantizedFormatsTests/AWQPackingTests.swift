internal import Quantization
internal import QuantizedFormats
import Testing

/// [columns, O/8] words, nibble by nibble: nibble j of word w holds output 8w + order[j]; those of
/// outputs that are not `kept` hold 0xA, as a buffer of 0xAA does.
private func nibbles(_ matrix: CodeMatrix, only kept: Set<Int>? = nil) -> [UInt8] {
  let order = [0, 2, 4, 6, 1, 3, 5, 7]
  let words = matrix.outputs / 8
  var bytes = [UInt8](repeating: 0, count: matrix.columns * words * 4)
  for line in 0..<matrix.columns {
    for word in 0..<words {
      for (j, lane) in order.enumerated() {
        let output = 8 * word + lane
        let isKept = kept.map { $0.contains(output) } ?? true
        let code = isKept ? matrix.codes[output][line] : 0xA
        bytes[(line * words + word) * 4 + j / 2] += code << UInt8(j % 2 * 4)
      }
    }
  }
  return bytes
}

@Suite struct AWQPackingTests {
  /// [outputs, inputs]: partial words of inputs, several panels of 128 with a rest.
  @Test(
    arguments: [(8, 1), (8, 8), (16, 7), (40, 100), (64, 129), (24, 300), (96, 256)],
    CodeMatrix.Rows.allCases)
  func takesAndGivesTheWordsOfTheFormat(shape: (Int, Int), rows: CodeMatrix.Rows) {
    let matrix = CodeMatrix(outputs: shape.0, columns: shape.1, bits: 4, rows: rows)
    let file = nibbles(matrix)
    let ours = written(matrix.layout.byteCount) { codes in
      unaligned(file) { file in
        matrix.storedRows.withUnsafeBufferPointer {
          AWQPacking.unpack(
            file, layout: matrix.layout, storedRows: $0, outputs: matrix.outputs, into: codes)
        }
      }
    }
    #expect(ours == matrix.packed)

    let count = AWQPacking.byteCount(inputs: matrix.columns, outputs: matrix.outputs)
    let back = written(count) { words in
      unaligned(matrix.packed) { codes in
        matrix.storedRows.withUnsafeBufferPointer {
          AWQPacking.pack(
            codes, layout: matrix.layout, storedRows: $0, outputs: matrix.outputs, into: words)
        }
      }
    }
    #expect(back == nibbles(matrix, only: Set(matrix.storedRows)))
  }

  /// A part of the outputs that begins and ends within words.
  @Test func takesRowsBetweenWords() {
    let matrix = CodeMatrix(outputs: 64, columns: 50, bits: 4)
    let rows = Array(13..<38)
    let layout = matrix.layout.with(rows: rows.count)
    let ours = written(layout.byteCount) { codes in
      unaligned(nibbles(matrix)) { file in
        rows.withUnsafeBufferPointer {
          AWQPacking.unpack(file, layout: layout, storedRows: $0, outputs: 64, into: codes)
        }
      }
    }
    #expect(ours == Array(matrix.packed[13 * layout.rowStride..<38 * layout.rowStride]))
  }

  /// Nibbles 0 to 7 hold outputs 0, 2, 4, 6, 1, 3, 5, 7.
  @Test func oneWordByHand() {
    let zeros = written(8) { zeros in
      Array(0..<8).withUnsafeBufferPointer { rows in
        unaligned([0x10, 0x32, 0x54, 0x76]) {
          AWQPacking.unpackZeros($0, groups: 1, storedRows: rows, outputs: 8, into: zeros)
        }
      }
    }
    #expect(zeros == [0, 4, 1, 5, 2, 6, 3, 7])
  }

  @Test(arguments: [(8, 1), (40, 3), (64, 9)], CodeMatrix.Rows.allCases)
  func takesAndGivesZeroPoints(shape: (Int, Int), rows: CodeMatrix.Rows) {
    let matrix = CodeMatrix(outputs: shape.0, columns: shape.1, bits: 4, rows: rows)
    let file = nibbles(matrix)
    matrix.storedRows.withUnsafeBufferPointer { rows in
      let zeros = written(matrix.plain.count) { zeros in
        unaligned(file) {
          AWQPacking.unpackZeros(
            $0, groups: matrix.columns, storedRows: rows, outputs: matrix.outputs, into: zeros)
        }
      }
      #expect(zeros == matrix.plain)
      guard rows.count == matrix.outputs else { return }
      let back = written(file.count) { words in
        unaligned(matrix.plain) {
          AWQPacking.packZeros(
            $0, groups: matrix.columns, storedRows: rows, outputs: matrix.outputs, into: words)
        }
      }
      #expect(back == file)
    }
  }
}
