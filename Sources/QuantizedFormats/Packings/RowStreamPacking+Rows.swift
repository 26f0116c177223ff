package import Quantization

extension RowStreamPacking {
  /// Reads rows of `rowBytes` bytes of `file` [outputs, rowBytes], writes them `rowStride` bytes
  /// apart; bytes between are left alone.
  package static func unpackRows(
    _ file: UnsafeRawBufferPointer, rowBytes: Int, storedRows: UnsafeBufferPointer<Int>,
    outputs: Int, into rows: UnsafeMutableRawBufferPointer, rowStride: Int
  ) {
    precondition(rowBytes <= rowStride, "rows that overlap")
    precondition(file.count >= outputs * rowBytes, "the file's tensor is too short")
    precondition(rows.count >= storedRows.count * rowStride, "the buffer of rows is too short")
    guard let source = file.baseAddress, let target = rows.baseAddress else { return }
    for (row, stored) in storedRows.enumerated() {
      precondition(stored >= 0 && stored < outputs, "a row that the file does not have")
      (target + row * rowStride).copyMemory(from: source + stored * rowBytes, byteCount: rowBytes)
    }
  }

  /// The inverse: writes these rows of `file` and no others.
  package static func packRows(
    _ rows: UnsafeRawBufferPointer, rowBytes: Int, rowStride: Int,
    storedRows: UnsafeBufferPointer<Int>, outputs: Int, into file: UnsafeMutableRawBufferPointer
  ) {
    precondition(rowBytes <= rowStride, "rows that overlap")
    precondition(file.count >= outputs * rowBytes, "the file's tensor is too short")
    precondition(rows.count >= storedRows.count * rowStride, "the buffer of rows is too short")
    guard let source = rows.baseAddress, let target = file.baseAddress else { return }
    for (row, stored) in storedRows.enumerated() {
      precondition(stored >= 0 && stored < outputs, "a row that the file does not have")
      (target + stored * rowBytes).copyMemory(from: source + row * rowStride, byteCount: rowBytes)
    }
  }

  /// Reads int-quantized `weight` I8 [outputs, I], writes 8-bit packed rows: q = weight + 128.
  package static func unpackSigned(
    _ weights: UnsafeRawBufferPointer, layout: PackedLayout, storedRows: UnsafeBufferPointer<Int>,
    outputs: Int, into codes: UnsafeMutableRawBufferPointer
  ) {
    precondition(layout.bits == 8, "signed bytes are 8-bit codes")
    precondition(storedRows.count == layout.rows, "a stored row for each row")
    unpackRows(
      weights, rowBytes: layout.columns, storedRows: storedRows, outputs: outputs, into: codes,
      rowStride: layout.rowStride)
    guard let target = codes.baseAddress else { return }
    for row in 0..<layout.rows {
      flipSigns(target + row * layout.rowStride, count: layout.columns)
      layout.clearPadding(of: target + row * layout.rowStride)
    }
  }

  /// Reads 8-bit packed rows, writes these rows of int-quantized `weight` and no others.
  package static func packSigned(
    _ codes: UnsafeRawBufferPointer, layout: PackedLayout, storedRows: UnsafeBufferPointer<Int>,
    outputs: Int, into weights: UnsafeMutableRawBufferPointer
  ) {
    precondition(layout.bits == 8, "signed bytes are 8-bit codes")
    precondition(storedRows.count == layout.rows, "a stored row for each row")
    packRows(
      codes, rowBytes: layout.columns, rowStride: layout.rowStride, storedRows: storedRows,
      outputs: outputs, into: weights)
    guard let target = weights.baseAddress else { return }
    for stored in storedRows {
      flipSigns(target + stored * layout.columns, count: layout.columns)
    }
  }

  /// Between q and q - 128, both ways.
  private static func flipSigns(_ bytes: UnsafeMutableRawPointer, count: Int) {
    for index in 0..<count {
      let byte = bytes.load(fromByteOffset: index, as: UInt8.self)
      bytes.storeBytes(of: byte ^ 0x80, toByteOffset: index, as: UInt8.self)
    }
  }
}
