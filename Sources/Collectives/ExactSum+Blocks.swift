// Sums that fit in four bytes per value.
//
// A block of 256 elements has a step that suits its sums: so fine that they have about 24 bits.
// Most of them then fit in 32 bits with room to spare, and those that do not are sent with 64. The
// step of a block comes from the sums of the steps before, which all ranks have, and never from a
// part of the present one: every addend is rounded alike wherever it is added, and so neither the
// number of ranks nor the width on the wire can show in a result.
extension ExactSum {
  /// Elements that share a step.
  package static let blockLength = 256

  /// Bits that the largest sum of a block shall have. The 7 up to 31 are room for the next step's
  /// gradients being larger, and for the ranks' partial sums, which cancel in the total.
  package static let targetBits = 24
  /// Coarsest step, 2^30.
  static let leastBits = -30

  /// Fraction bits of the element at `index`.
  func bits(at index: Int) -> Int {
    index < adaptive ? Int(blockBits[index / Self.blockLength]) : fractionBits
  }

  package var blockCount: Int { blockBits.count }

  package func elements(ofBlock block: Int) -> Range<Int> {
    block * Self.blockLength..<min(adaptive, (block + 1) * Self.blockLength)
  }

  /// A number as wide in bits as the largest magnitude in `block`, and not below it. (A bitwise or,
  /// because 64-bit maxima are scalar before AVX-512.)
  package func bound(ofBlock block: Int) -> Int64 {
    var bits: Int64 = 0
    for value in UnsafeMutableBufferPointer(rebasing: values[elements(ofBlock: block)]) {
      let sign = value >> 63
      bits |= (value ^ sign) &- sign
    }
    return bits
  }

  /// Sets the steps for the next sums from the totals that stand here now; call it on all ranks.
  ///
  /// A step grows at once and shrinks by half at a time, so that a calm batch between rough ones
  /// does not cost width. It is never finer than `fractionBits`: no addend that was in range
  /// without blocks is out of range with them.
  package mutating func adaptSteps() {
    for block in 0..<blockCount {
      let bits = Int(blockBits[block])
      let width = Int64.bitWidth - bound(ofBlock: block).leadingZeroBitCount
      let wanted = bits + Self.targetBits - width
      blockBits[block] = Int8(min(fractionBits, max(Self.leastBits, min(wanted, bits + 1))))
    }
  }
}
