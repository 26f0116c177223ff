package import Quantization

/// The numbers of files whose rows are our bit stream, and ours.
///
/// - MLX: `weight` U32 [O, I*b/32];
/// - compressed-tensors: `weight_packed` I32 [O, ceil(I*b/32)], and `weight_zero_point` I32
///   [ceil(O*b/32), G], a bit stream along the outputs;
/// - compressed-tensors, int-quantized: `weight` I8 [O, I], q - 128;
/// - scales and biases of both, [O, G], move by whole rows: `unpackRows`.
///
/// `storedRows` gives the output of each of our rows: a permutation or a part of the outputs.
///
/// Source: mlx `quantize`, compressed-tensors 0.20 `pack_to_int32`, docs/file-formats.md.
package enum RowStreamPacking {
  /// ceil(I*b/32), the second size of the packed tensors; with O for I the first of zero points.
  package static func rowWords(columns: Int, bits: Int) -> Int {
    packedWords(codes: columns, bits: bits)
  }

  /// Bytes of `weight` or `weight_packed`.
  package static func byteCount(columns: Int, bits: Int, outputs: Int) -> Int {
    outputs * rowWords(columns: columns, bits: bits) * 4
  }

  /// Bytes of `weight_zero_point`.
  package static func zerosByteCount(groups: Int, bits: Int, outputs: Int) -> Int {
    rowWords(columns: outputs, bits: bits) * groups * 4
  }

  /// Reads the file's rows, writes packed rows [layout.rows, rowStride] with zero bits behind the
  /// codes.
  package static func unpack(
    _ stream: UnsafeRawBufferPointer, layout: PackedLayout, storedRows: UnsafeBufferPointer<Int>,
    outputs: Int, into codes: UnsafeMutableRawBufferPointer
  ) {
    precondition(storedRows.count == layout.rows, "a stored row for each row")
    let width = rowWords(columns: layout.columns, bits: layout.bits) * 4
    unpackRows(
      stream, rowBytes: width, storedRows: storedRows, outputs: outputs, into: codes,
      rowStride: layout.rowStride)
    guard let target = codes.baseAddress else { return }
    for row in 0..<layout.rows { layout.clearPadding(of: target + row * layout.rowStride) }
  }

  /// Reads packed rows, writes these rows of the file and no others.
  package static func pack(
    _ codes: UnsafeRawBufferPointer, layout: PackedLayout, storedRows: UnsafeBufferPointer<Int>,
    outputs: Int, into stream: UnsafeMutableRawBufferPointer
  ) {
    precondition(storedRows.count == layout.rows, "a stored row for each row")
    packRows(
      codes, rowBytes: rowWords(columns: layout.columns, bits: layout.bits) * 4,
      rowStride: layout.rowStride, storedRows: storedRows, outputs: outputs, into: stream)
  }

  /// Reads `weight_zero_point`, writes `zeros` [storedRows.count, groups].
  package static func unpackZeros(
    _ words: UnsafeRawBufferPointer, bits: Int, groups: Int,
    storedRows: UnsafeBufferPointer<Int>, outputs: Int, into zeros: UnsafeMutableRawBufferPointer
  ) {
    zeroStream(bits: bits, groups: groups, outputs: outputs)
      .unpack(words, places: Array(storedRows), into: zeros)
  }

  /// Reads `zeros` [outputs, groups], writes the whole of `weight_zero_point`; `storedRows` is a
  /// permutation of all outputs.
  package static func packZeros(
    _ zeros: UnsafeRawBufferPointer, bits: Int, groups: Int,
    storedRows: UnsafeBufferPointer<Int>, outputs: Int, into words: UnsafeMutableRawBufferPointer
  ) {
    zeroStream(bits: bits, groups: groups, outputs: outputs)
      .pack(zeros, places: Array(storedRows), into: words)
  }

  private static func zeroStream(bits: Int, groups: Int, outputs: Int) -> ZeroPointStream {
    ZeroPointStream(
      bits: bits, outputs: outputs, groups: groups, wordStride: groups, groupStride: 1)
  }
}
