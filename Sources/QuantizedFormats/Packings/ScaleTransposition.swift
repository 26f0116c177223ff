/// Scales that a file keeps as [G, outputs], as GPTQ and AWQ do, and ours [rows, G].
///
/// A scale is 2 bytes (F16, BF16) or 4 (F32), which move as they are. `storedRows` gives the output
/// of each of our rows.
package enum ScaleTransposition {
  /// Of the file's tensor.
  package static func byteCount(groups: Int, outputs: Int, scaleBytes: Int) -> Int {
    groups * outputs * scaleBytes
  }

  /// Reads `scales` [groups, outputs], writes `result` [storedRows.count, groups].
  package static func unpack(
    _ scales: UnsafeRawBufferPointer, groups: Int, scaleBytes: Int,
    storedRows: UnsafeBufferPointer<Int>, outputs: Int, into result: UnsafeMutableRawBufferPointer
  ) {
    let size = byteCount(groups: groups, outputs: outputs, scaleBytes: scaleBytes)
    precondition(scales.count >= size, "the tensor of scales is too short")
    precondition(
      result.count >= storedRows.count * groups * scaleBytes, "the buffer of scales is too short")
    guard let source = scales.baseAddress, let target = result.baseAddress else { return }
    let transposition = ColumnTransposition(
      height: groups, width: outputs, columns: storedRows, rowStride: groups * scaleBytes)
    switch scaleBytes {
    case 2: transposition.gather(UInt16.self, from: source, into: target)
    case 4: transposition.gather(UInt32.self, from: source, into: target)
    default: preconditionFailure("a scale is 2 or 4 bytes")
    }
  }

  /// Reads `scales` [storedRows.count, groups], writes those of `result` [groups, outputs].
  package static func pack(
    _ scales: UnsafeRawBufferPointer, groups: Int, scaleBytes: Int,
    storedRows: UnsafeBufferPointer<Int>, outputs: Int, into result: UnsafeMutableRawBufferPointer
  ) {
    let size = byteCount(groups: groups, outputs: outputs, scaleBytes: scaleBytes)
    precondition(result.count >= size, "the tensor of scales is too short")
    precondition(
      scales.count >= storedRows.count * groups * scaleBytes, "the buffer of scales is too short")
    guard let source = scales.baseAddress, let target = result.baseAddress else { return }
    let transposition = ColumnTransposition(
      height: groups, width: outputs, columns: storedRows, rowStride: groups * scaleBytes)
    switch scaleBytes {
    case 2: transposition.scatter(UInt16.self, from: source, into: target)
    case 4: transposition.scatter(UInt32.self, from: source, into: target)
    default: preconditionFailure("a scale is 2 or 4 bytes")
    }
  }
}
