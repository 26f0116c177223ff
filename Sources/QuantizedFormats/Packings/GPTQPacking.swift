package import Quantization

/// The numbers of GPTQ files (quant_method "gptq", pack_dtype int32) and ours.
///
/// - qweight I32 [ceil(I*b/32), O]: a bit stream along the inputs, the same as that of a packed
///   row, so that a file's matrix is ours with its words transposed, for every b;
/// - qzeros I32 [G, ceil(O*b/32)]: a bit stream along the outputs. checkpoint_format "gptq_v2"
///   keeps z; "gptq" (version 1) keeps z - 1: with 2, 4 and 8 bits by whole words, so that a z of 0
///   borrows from the code behind it; with 3 bits code by code, modulo 8;
/// - scales [G, O]: `ScaleTransposition`.
///
/// `storedRows` gives the output of each of our rows: a permutation or a part of the outputs.
///
/// Source: gptqmodel 7.7.0, `convert_gptq_v1_to_v2_format_module` (utils/model.py) and
/// `_shift_gptq_qzeros` (utils/model_dequant.py).
package enum GPTQPacking {
  package static let supportedBits = [2, 3, 4, 8]

  /// ceil(I*b/32), the first size of qweight; also of qzeros' second, with O for I.
  package static func wordRows(columns: Int, bits: Int) -> Int {
    packedWords(codes: columns, bits: bits)
  }

  /// Bytes of qweight.
  package static func byteCount(columns: Int, bits: Int, outputs: Int) -> Int {
    wordRows(columns: columns, bits: bits) * outputs * 4
  }

  /// Bytes of qzeros.
  package static func zerosByteCount(groups: Int, bits: Int, outputs: Int) -> Int {
    zeroStream(bits: bits, groups: groups, outputs: outputs, version1: false).byteCount
  }

  /// Reads qweight, writes packed rows [layout.rows, rowStride] with zero bits behind the codes.
  package static func unpack(
    _ words: UnsafeRawBufferPointer, layout: PackedLayout, storedRows: UnsafeBufferPointer<Int>,
    outputs: Int, into codes: UnsafeMutableRawBufferPointer
  ) {
    let size = byteCount(columns: layout.columns, bits: layout.bits, outputs: outputs)
    precondition(storedRows.count == layout.rows, "a stored row for each row")
    precondition(words.count >= size && codes.count >= layout.byteCount, "a buffer is too short")
    guard let source = words.baseAddress, let target = codes.baseAddress else { return }
    transposition(layout, storedRows, outputs).gather(UInt32.self, from: source, into: target)
    for row in 0..<layout.rows { layout.clearPadding(of: target + row * layout.rowStride) }
  }

  /// Reads packed rows, writes their words of qweight and no others.
  package static func pack(
    _ codes: UnsafeRawBufferPointer, layout: PackedLayout, storedRows: UnsafeBufferPointer<Int>,
    outputs: Int, into words: UnsafeMutableRawBufferPointer
  ) {
    let size = byteCount(columns: layout.columns, bits: layout.bits, outputs: outputs)
    precondition(storedRows.count == layout.rows, "a stored row for each row")
    precondition(words.count >= size && codes.count >= layout.byteCount, "a buffer is too short")
    guard let source = codes.baseAddress, let target = words.baseAddress else { return }
    transposition(layout, storedRows, outputs).scatter(UInt32.self, from: source, into: target)
  }

  /// Reads qzeros, writes `zeros` [storedRows.count, groups], each in 0 ... 2^b - 1.
  package static func unpackZeros(
    _ words: UnsafeRawBufferPointer, bits: Int, groups: Int, version1: Bool,
    storedRows: UnsafeBufferPointer<Int>, outputs: Int, into zeros: UnsafeMutableRawBufferPointer
  ) {
    zeroStream(bits: bits, groups: groups, outputs: outputs, version1: version1)
      .unpack(words, places: Array(storedRows), into: zeros)
  }

  /// Reads `zeros` [outputs, groups], writes the whole of qzeros.
  ///
  /// `storedRows` is a permutation of all outputs, because the codes of version 1 share words. Bits
  /// behind the last output, which real files do not have, are those of z = 0 (none with 3 bits).
  package static func packZeros(
    _ zeros: UnsafeRawBufferPointer, bits: Int, groups: Int, version1: Bool,
    storedRows: UnsafeBufferPointer<Int>, outputs: Int, into words: UnsafeMutableRawBufferPointer
  ) {
    zeroStream(bits: bits, groups: groups, outputs: outputs, version1: version1)
      .pack(zeros, places: Array(storedRows), into: words)
  }

  private static func transposition(
    _ layout: PackedLayout, _ storedRows: UnsafeBufferPointer<Int>, _ outputs: Int
  ) -> ColumnTransposition {
    ColumnTransposition(
      height: wordRows(columns: layout.columns, bits: layout.bits), width: outputs,
      columns: storedRows, rowStride: layout.rowStride)
  }

  private static func zeroStream(
    bits: Int, groups: Int, outputs: Int, version1: Bool
  ) -> ZeroPointStream {
    precondition(supportedBits.contains(bits), "GPTQ has 2, 3, 4 and 8 bits")
    return ZeroPointStream(
      bits: bits, outputs: outputs, groups: groups, wordStride: 1,
      groupStride: wordRows(columns: outputs, bits: bits), lessOne: version1)
  }
}

extension PackedLayout {
  /// Sets what lies behind the codes of a row to zero bits.
  func clearPadding(of row: UnsafeMutableRawPointer) {
    let used = columns * bits
    if used % 8 > 0 {
      let last = row.load(fromByteOffset: used / 8, as: UInt8.self)
      row.storeBytes(
        of: last & (1 << UInt8(used % 8) - 1), toByteOffset: used / 8, as: UInt8.self)
    }
    let first = (used + 7) / 8
    UnsafeMutableRawBufferPointer(start: row + first, count: rowStride - first)
      .initializeMemory(as: UInt8.self, repeating: 0)
  }
}
