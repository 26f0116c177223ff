internal import Kernels
internal import Quantization
import Testing

/// The layout's text, bit by bit: code i occupies bits i*b ..< (i+1)*b of a little-endian stream.
private func bitByBit(_ codes: [UInt8], bits: Int, stride: Int) -> [UInt8] {
  var bytes = [UInt8](repeating: 0, count: stride)
  for (i, code) in codes.enumerated() {
    for k in 0..<bits where code >> UInt8(k) & 1 == 1 {
      let position = i * bits + k
      bytes[position / 8] |= 1 << UInt8(position % 8)
    }
  }
  return bytes
}

@Suite struct PackedCodesTests {
  @Test(
    arguments: PackedLayout.supportedBits,
    [1, 2, 7, 8, 9, 31, 32, 33, 63, 64, 65, 100, 576, 1537])
  func packsAsTheLayoutSays(bits: Int, columns: Int) {
    var random = SplitMix64(seed: UInt64(bits * 10_000 + columns))
    let codes = (0..<columns).map { _ in UInt8(random.next() & UInt64(1 << bits - 1)) }
    let layout = PackedLayout(rows: 1, columns: columns, bits: bits, groupSize: -1)
    var packed = [UInt8](repeating: 0xAA, count: layout.rowStride)
    codes.withUnsafeBufferPointer { codes in
      packed.withUnsafeMutableBytes { PackedCodes.pack(codes, bits: bits, into: $0) }
    }
    #expect(packed == bitByBit(codes, bits: bits, stride: layout.rowStride))

    var back = [UInt8](repeating: 0xAA, count: columns)
    packed.withUnsafeBytes { packed in
      back.withUnsafeMutableBufferPointer { PackedCodes.unpack(packed, bits: bits, into: $0) }
    }
    #expect(back == codes)
  }

  /// A row without any padding: the last word must not be read beyond the end.
  @Test func packsIntoTheShortestRow() {
    let codes: [UInt8] = [5, 1, 7, 2, 0, 3, 6, 4, 7, 7, 1]
    var packed = [UInt8](repeating: 0xAA, count: (codes.count * 3 + 7) / 8)
    codes.withUnsafeBufferPointer { codes in
      packed.withUnsafeMutableBytes { PackedCodes.pack(codes, bits: 3, into: $0) }
    }
    #expect(packed == bitByBit(codes, bits: 3, stride: packed.count))
    var back = [UInt8](repeating: 0, count: codes.count)
    packed.withUnsafeBytes { packed in
      back.withUnsafeMutableBufferPointer { PackedCodes.unpack(packed, bits: 3, into: $0) }
    }
    #expect(back == codes)
  }
}
