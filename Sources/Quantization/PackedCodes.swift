/// Writes and reads one row of codes in the bit stream that `PackedLayout` defines.
///
/// Eight codes of b bits fill exactly b bytes, so both directions work on eight codes at a time in
/// one 64-bit word.
package enum PackedCodes {
  /// Packs `codes` (each below 2^bits) and fills the rest of `row` with zero bits.
  ///
  /// `row` has the layout's `rowStride` bytes, at least `ceil(codes.count * bits / 8)`.
  package static func pack(
    _ codes: UnsafeBufferPointer<UInt8>, bits: Int, into row: UnsafeMutableRawBufferPointer
  ) {
    precondition(codes.count * bits <= row.count * 8, "the row is too short for its codes")
    var byte = 0
    var column = 0
    while column < codes.count {
      var word: UInt64 = 0
      for lane in 0..<min(8, codes.count - column) {
        word |= UInt64(codes[column + lane]) << UInt64(lane * bits)
      }
      for _ in 0..<min(bits, row.count - byte) {
        row[byte] = UInt8(truncatingIfNeeded: word)
        word >>= 8
        byte += 1
      }
      column += 8
    }
    while byte < row.count {
      row[byte] = 0
      byte += 1
    }
  }

  /// Reads `codes.count` codes from the start of `row`.
  package static func unpack(
    _ row: UnsafeRawBufferPointer, bits: Int, into codes: UnsafeMutableBufferPointer<UInt8>
  ) {
    precondition(codes.count * bits <= row.count * 8, "the row is too short for its codes")
    let mask = UInt64(1) << UInt64(bits) - 1
    var byte = 0
    var column = 0
    while column < codes.count {
      var word: UInt64 = 0
      for lane in 0..<min(bits, row.count - byte) {
        word |= UInt64(row[byte + lane]) << UInt64(lane * 8)
      }
      byte += bits
      for lane in 0..<min(8, codes.count - column) {
        codes[column + lane] = UInt8(word & mask)
        word >>= UInt64(bits)
      }
      column += 8
    }
  }
}
