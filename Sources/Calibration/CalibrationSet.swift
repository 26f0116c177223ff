internal import DecoderModel
internal import Kernels

/// The tokens that a quantization looks at: sequences of one length from evenly spread places of a
/// text, and some that are kept aside to judge by.
package struct CalibrationSet: Sendable, Equatable {
  /// Tokens of each sequence.
  package let length: Int
  package let sequences: [[Int32]]
  /// Not among `sequences`.
  package let heldOut: [[Int32]]

  /// At most `count` sequences of `tokenCount` tokens and `heldOut` more; fewer of a short text.
  ///
  /// - Parameter tokens: those of a range.
  /// - Throws: `.textTooShort` where there is not even one of each.
  package init(
    tokenCount: Int, length: Int, count: Int, heldOut: Int = 8, tokens: (Range<Int>) -> [Int32]
  ) throws(CalibrationError) {
    precondition(length > 1 && count > 0 && heldOut > 0, "sequences of some tokens")
    let available = tokenCount / length
    guard available >= 2 else { throw .textTooShort(tokens: tokenCount, needed: 2 * length) }
    // Text that is short is shared out in the same way.
    let aside = min(heldOut, max(1, available / 8))
    let used = min(count, available - aside)
    let total = aside + used
    let windows = (0..<total).map { index in
      let start = index * available / total * length
      return tokens(start..<start + length)
    }
    self.length = length
    // Those kept aside are spread over the text as well.
    let asideAt = Set((0..<aside).map { ($0 * total + total / 2) / aside })
    sequences = windows.indices.filter { !asideAt.contains($0) }.map { windows[$0] }
    self.heldOut = windows.indices.filter { asideAt.contains($0) }.map { windows[$0] }
  }

  /// The same of a text.
  package init(
    tokens: [Int32], length: Int, count: Int, heldOut: Int = 8
  ) throws(CalibrationError) {
    try self.init(tokenCount: tokens.count, length: length, count: count, heldOut: heldOut) {
      Array(tokens[$0])
    }
  }

  package var tokenCount: Int { sequences.count * length }
}
