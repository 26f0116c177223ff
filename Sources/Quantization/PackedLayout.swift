package import Kernels

/// How a quantized matrix lies in memory and what its numbers mean: the one definition of the
/// packed bits.
///
/// A row's codes form a little-endian bit stream: code i occupies bits `i*b ..< (i+1)*b`, bit k of
/// the stream being bit `k % 8` of byte `k / 8`. A row is padded with zero bits to a multiple of 64
/// codes, so a row takes `rowStride` bytes, and rows follow each other without gaps.
///
/// Weight (o, i) of group g = i / groupSize, code q:
///
/// - `zeros`: `s[o, g] (q - z[o, g])`, z integers of a byte;
/// - `realZeros`: the same with z in F16, which bases of version 1 have of Q4_1 files;
/// - `minima`: `s[o, g] q + m[o, g]`, s and m of the same type;
/// - super-blocks (`groupsPerScale` > 1), of k = g / groupsPerScale: `s[o, k] b[o, g] (q - centre)`
///   with b a signed byte, where the offset is `centre`, and
///   `s[o, k] b[o, g] q - m[o, k] c[o, g]` with c a byte, where it is `minima`.
///
/// Sources: GPTQ, MLX and GGML files, docs/file-formats.md.
package struct PackedLayout: Sendable, Equatable {
  /// O and I of W [O, I].
  package let rows: Int
  package let columns: Int
  /// b in {2, 3, 4, 5, 6, 8}.
  package let bits: Int
  /// g, the number of columns that share a scale; for one scale per row this equals `columns`.
  package let groupSize: Int
  /// What takes a code's place to zero.
  package let offset: Offset
  /// Of scales and minima.
  package let scaleType: FloatType
  /// Groups that share one scale; more than 1 in super-blocks, whose groups have integers beside
  /// it.
  package let groupsPerScale: Int

  package enum Offset: Sendable, Equatable {
    case zeros, realZeros, minima
    /// 2^(b-1) for all codes.
    case centre
  }

  package static let supportedBits = [2, 3, 4, 5, 6, 8]
  /// Where a row has several groups.
  package static let supportedGroupSizes = [16, 32, 64, 128, 256, 512, 1024]
  /// Rows are padded to a multiple of so many codes.
  package static let padding = 64

  /// `groupSize` -1 means one scale per row, as in GPTQ.
  package init(
    rows: Int, columns: Int, bits: Int, groupSize: Int, offset: Offset = .zeros,
    scaleType: FloatType = .f16, groupsPerScale: Int = 1
  ) {
    precondition(rows > 0 && columns > 0, "a packed matrix has rows and columns")
    precondition(Self.supportedBits.contains(bits), "bits must be 2, 3, 4, 5, 6 or 8")
    precondition(groupSize == -1 || groupSize > 0, "group size is -1 or positive")
    self.rows = rows
    self.columns = columns
    self.bits = bits
    self.groupSize = groupSize == -1 ? columns : groupSize
    (self.offset, self.scaleType, self.groupsPerScale) = (offset, scaleType, groupsPerScale)
  }

  /// The same layout of other rows.
  package func with(rows: Int) -> PackedLayout {
    PackedLayout(
      rows: rows, columns: columns, bits: bits, groupSize: groupSize, offset: offset,
      scaleType: scaleType, groupsPerScale: groupsPerScale)
  }

  /// G = ceil(I / g): groups of a row.
  package var groups: Int { (columns + groupSize - 1) / groupSize }
  /// Scales of a row: G, or that of the super-blocks.
  package var scalesPerRow: Int { (groups + groupsPerScale - 1) / groupsPerScale }
  /// `4 bits, groups of 128`.
  package var form: String {
    let group = groups == 1 ? "rows" : "groups of \(groupSize)"
    return "\(bits) bits, \(group)" + (groupsPerScale > 1 ? " in super-blocks" : "")
  }
  /// Columns with padding.
  package var paddedColumns: Int { (columns + Self.padding - 1) / Self.padding * Self.padding }
  /// Bytes a row.
  package var rowStride: Int { paddedColumns / 8 * bits }
  package var byteCount: Int { rows * rowStride }
  /// Largest code, 2^b - 1.
  package var maximumCode: Int { (1 << bits) - 1 }
}
