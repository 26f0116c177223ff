/// Where the codes of a quantized matrix lie: the one definition of the packed bits.
///
/// A row's codes form a little-endian bit stream: code i occupies bits `i*b ..< (i+1)*b`, bit k of
/// the stream being bit `k % 8` of byte `k / 8`. A row is padded with zero bits to a multiple of 64
/// codes, so a row takes `rowStride` bytes, and rows follow each other without gaps.
/// Value of a weight: `scale[o, i / g] * (code[o, i] - zero[o, i / g])`.
///
/// Zero points of peqa's own quantizer are integers (tensor `NAME.zeros`, U8). Codes kept from a
/// Q4_1 file have real ones: `zeros` is then F16 [O, G] and holds -minimum / scale, because Q4_1
/// minima are no multiples of the scale (measured on SmolLM2-135M: the fraction is uniform over 0
/// to 1).
package struct PackedLayout: Sendable, Equatable {
  /// O and I of W [O, I].
  package let rows: Int
  package let columns: Int
  /// b in {2, 3, 4, 8}.
  package let bits: Int
  /// g, the number of columns that share a scale; for one scale per row this equals `columns`.
  package let groupSize: Int

  package static let supportedBits = [2, 3, 4, 8]
  package static let supportedGroupSizes = [32, 64, 128, 256]
  /// Rows are padded to a multiple of so many codes.
  package static let padding = 64

  /// `groupSize` -1 means one scale per row, as in GPTQ.
  package init(rows: Int, columns: Int, bits: Int, groupSize: Int) {
    precondition(rows > 0 && columns > 0, "a packed matrix has rows and columns")
    precondition(Self.supportedBits.contains(bits), "bits must be 2, 3, 4 or 8")
    precondition(groupSize == -1 || groupSize > 0, "group size is -1 or positive")
    self.rows = rows
    self.columns = columns
    self.bits = bits
    self.groupSize = groupSize == -1 ? columns : groupSize
  }

  /// G = ceil(I / g): scales and zero points a row.
  package var groups: Int { (columns + groupSize - 1) / groupSize }
  /// Columns with padding.
  package var paddedColumns: Int { (columns + Self.padding - 1) / Self.padding * Self.padding }
  /// Bytes a row.
  package var rowStride: Int { paddedColumns / 8 * bits }
  package var byteCount: Int { rows * rowStride }
  /// Largest code, 2^b - 1.
  package var maximumCode: Int { (1 << bits) - 1 }
}
