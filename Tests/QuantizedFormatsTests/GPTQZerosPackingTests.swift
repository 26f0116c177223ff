internal import Kernels
internal import Quantization
internal import QuantizedFormats
import Testing

/// qzeros [G, ceil(O*b/32)] of version 2, bit by bit; `change` is what is done to each code.
private func qzeros(_ matrix: CodeMatrix, change: (UInt8) -> UInt8 = { $0 }) -> [UInt8] {
  let words = (matrix.outputs * matrix.bits + 31) / 32
  var bytes = [UInt8](repeating: 0, count: words * matrix.columns * 4)
  for (output, row) in matrix.codes.enumerated() {
    for (group, zero) in row.enumerated() {
      put(change(zero), bits: matrix.bits, index: output, into: &bytes) { group * words + $0 }
    }
  }
  return bytes
}

/// Version 1 as gptqmodel 7.7.0 saves it: `qzeros -= constant` on int32 tensors, and with 3 bits
/// `(zeros - 1) & 7` packed again.
private func version1(_ matrix: CodeMatrix) -> [UInt8] {
  if matrix.bits == 3 { return qzeros(matrix) { ($0 + 7) % 8 } }
  let constants: [Int: Int64] = [
    2: 0b0101_0101_0101_0101_0101_0101_0101_0101, 4: 0b0001_0001_0001_0001_0001_0001_0001_0001,
    8: 0b0000_0001_0000_0001_0000_0001_0000_0001,
  ]
  let bytes = qzeros(matrix)
  return stride(from: 0, to: bytes.count, by: 4).flatMap { first -> [UInt8] in
    let word = (0..<4).reduce(Int64(0)) { $0 + Int64(bytes[first + $1]) << Int64(8 * $1) }
    let less = (word - constants[matrix.bits]! + 1 << 32) % (1 << 32)
    return (0..<4).map { UInt8(less >> Int64(8 * $0) & 0xFF) }
  }
}

private func unpacked(_ file: [UInt8], _ matrix: CodeMatrix, version1: Bool) -> [UInt8]? {
  written(matrix.plain.count) { zeros in
    unaligned(file) { file in
      matrix.storedRows.withUnsafeBufferPointer {
        GPTQPacking.unpackZeros(
          file, bits: matrix.bits, groups: matrix.columns, version1: version1, storedRows: $0,
          outputs: matrix.outputs, into: zeros)
      }
    }
  }
}

private func packed(_ zeros: [UInt8], _ matrix: CodeMatrix, version1: Bool) -> [UInt8]? {
  let count = GPTQPacking.zerosByteCount(
    groups: matrix.columns, bits: matrix.bits, outputs: matrix.outputs)
  return written(count) { words in
    unaligned(zeros) { zeros in
      matrix.storedRows.withUnsafeBufferPointer {
        GPTQPacking.packZeros(
          zeros, bits: matrix.bits, groups: matrix.columns, version1: version1, storedRows: $0,
          outputs: matrix.outputs, into: words)
      }
    }
  }
}

@Suite struct GPTQZerosPackingTests {
  /// [outputs, groups]; real files have a multiple of 32 outputs.
  @Test(arguments: GPTQPacking.supportedBits, [(1, 1), (32, 3), (45, 2), (96, 5), (576, 4)])
  func takesAndGivesBothVersions(bits: Int, shape: (Int, Int)) {
    for rows in CodeMatrix.Rows.allCases {
      let matrix = CodeMatrix(outputs: shape.0, columns: shape.1, bits: bits, rows: rows)
      let (first, second) = (version1(matrix), qzeros(matrix))
      #expect(first != second)
      #expect(unpacked(second, matrix, version1: false) == matrix.plain)
      #expect(unpacked(first, matrix, version1: true) == matrix.plain)
      guard rows != .some else { continue }
      #expect(packed(matrix.plain, matrix, version1: false) == second)
      #expect(packed(matrix.plain, matrix, version1: true) == first)
    }
  }

  /// 0x88888880 - 0x11111111: the zero point 0 of the first output borrows from the second.
  @Test func aZeroPointOfZeroBorrowsFromItsNeighbour() {
    let matrix = CodeMatrix(outputs: 8, columns: 1, bits: 4)
    let zeros: [UInt8] = [0, 8, 8, 8, 8, 8, 8, 8]
    let file: [UInt8] = [0x6F, 0x77, 0x77, 0x77]
    #expect(packed(zeros, matrix, version1: true) == file)
    #expect(unpacked(file, matrix, version1: true) == zeros)
  }

  /// With 3 bits nothing is borrowed: 7 is stored for 0, also where a code crosses words.
  @Test func threeBitsAreLessenedOneByOne() {
    let matrix = CodeMatrix(outputs: 32, columns: 1, bits: 3)
    let (zeros, file) = ([UInt8](repeating: 0, count: 32), [UInt8](repeating: 0xFF, count: 12))
    #expect(packed(zeros, matrix, version1: true) == file)
    #expect(unpacked(file, matrix, version1: true) == zeros)
  }

  @Test(arguments: GPTQPacking.supportedBits, [false, true])
  func anyFileComesBackByteForByte(bits: Int, version1: Bool) {
    let matrix = CodeMatrix(outputs: 64, columns: 7, bits: bits, rows: .shuffled)
    var random = SplitMix64(seed: UInt64(bits))
    let file = (0..<64 * bits / 8 * 7).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    let zeros = unpacked(file, matrix, version1: version1)
    #expect(zeros.map { $0.contains(0) } == true || bits == 8)
    #expect(zeros.flatMap { packed($0, matrix, version1: version1) } == file)
  }
}
