internal import Checkpoints

/// Rows of integer codes as GGUF holds them: `w = scale * code + minimum`, 32 columns a group.
package struct ImportedCodes: Sendable {
  /// [rows, I], unpacked.
  package var codes: [UInt8]
  /// [rows, I / 32].
  package var scales: [Float16]
  package var minima: [Float16]
}

extension ModelSource {
  /// Why the codes of this model's linear layers cannot be imported as they are; empty where they
  /// can.
  package func obstaclesToReusingCodes() -> [String] {
    let linears = tensors.filter { if case .linear = $0.expected.role { true } else { false } }
    let bits = Set(linears.compactMap { BlockCodes.bits(of: $0.type) })
    var faults = linears.filter { BlockCodes.bits(of: $0.type) == nil }
      .map { "tensor \"\($0.stored.name)\" is \($0.type.name)" }
    if bits.count > 1 { faults.append("some layers have 4 bits, others 8") }
    return faults
  }

  /// Codes, scales and minima of rows in canonical order. Q4_0 and Q8_0 codes stand for
  /// `scale * (code - zeroPoint)` and have the minimum 0; see `BlockCodes`.
  package func importedCodes(_ tensor: ModelTensor, rows: Range<Int>) throws -> ImportedCodes {
    let groups = tensor.columns / BlockCodes.groupSize
    var imported = ImportedCodes(
      codes: Array(repeating: 0, count: rows.count * tensor.columns),
      scales: Array(repeating: 0, count: rows.count * groups),
      minima: Array(repeating: 0, count: rows.count * groups))
    let bytes = files.bytes(of: tensor.stored)
    let rowBytes = bytes.count / max(tensor.stored.rows, 1)
    try imported.codes.withUnsafeMutableBufferPointer { codes in
      try imported.scales.withUnsafeMutableBufferPointer { scales in
        try imported.minima.withUnsafeMutableBufferPointer { minima in
          for (index, row) in rows.enumerated() {
            let start = tensor.order.storedRow(row) * rowBytes
            let group = (index * groups)..<((index + 1) * groups)
            let column = (index * tensor.columns)..<((index + 1) * tensor.columns)
            try BlockCodes.unpack(
              UnsafeRawBufferPointer(rebasing: bytes[start..<(start + rowBytes)]),
              type: tensor.type, codes: UnsafeMutableBufferPointer(rebasing: codes[column]),
              scales: UnsafeMutableBufferPointer(rebasing: scales[group]),
              minima: UnsafeMutableBufferPointer(rebasing: minima[group]))
          }
        }
      }
    }
    for index in imported.scales.indices
    where !imported.scales[index].isFinite || !imported.minima[index].isFinite {
      throw ModelFileError.notFinite(
        path: path, tensor: tensor.name, row: rows.lowerBound + index / groups,
        column: index % groups * BlockCodes.groupSize)
    }
    return imported
  }
}
