package import Checkpoints
internal import Kernels
package import Quantization

/// MLX's affine quantization: `weight`, `scales`, `biases`, w = scale q + bias; vocabulary matrices
/// too. Bytes: `RowStreamPacking`. Verified with mlx on Linux.
package struct MLXFormat: QuantizedFormat {
  package let name = "mlx"

  package init() {}

  package func matrix(
    _ module: String, rows: Int, columns: Int, in files: any TensorSource
  ) throws(QuantizedFormatError) -> StoredMatrix? {
    var tensors = ModuleTensors(module, files)
    guard tensors.has("scales") else { return nil }
    let codes = try tensors.find("weight", [.u32])
    let (scales, scaleType) = try tensors.findFloats("scales")
    _ = try tensors.find("biases", [scales.type], scales.shape)
    let bits = PackedLayout.supportedBits.first {
      columns * $0 % 32 == 0 && codes.shape == [rows, columns * $0 / 32]
    }
    guard let bits else {
      throw tensors.malformed(
        "weight has shape \(codes.shape), which no bits of 2, 3, 4, 5, 6, 8 give for \(rows) x "
          + "\(columns) weights")
    }
    guard scales.shape[0] == rows, scales.shape[1] > 0, columns % scales.shape[1] == 0 else {
      throw tensors.malformed(
        "scales have shape \(scales.shape), expected [\(rows), columns / group_size]")
    }
    let size = try tensors.groupSize(
      columns / scales.shape[1], columns: columns, groups: scales.shape[1])
    let layout = PackedLayout(
      rows: rows, columns: columns, bits: bits, groupSize: size, offset: .minima,
      scaleType: scaleType)
    return StoredMatrix(module, layout, tensors.parts)
  }

  package func read(
    _ matrix: StoredMatrix, _ storedRows: [Int], in files: any TensorSource
  ) throws(QuantizedFormatError) -> CodedRows {
    let layout = matrix.layout.with(rows: storedRows.count)
    var rows = CodedRows(layout: layout)
    let outputs = matrix.layout.rows
    let numberBytes = layout.groups * layout.scaleType.byteCount
    storedRows.withUnsafeBufferPointer { stored in
      rows.codes.withUnsafeMutableBytes {
        RowStreamPacking.unpack(
          matrix.bytes("weight", in: files), layout: layout, storedRows: stored, outputs: outputs,
          into: $0)
      }
      func copy(_ part: String, _ target: UnsafeMutableRawBufferPointer) {
        RowStreamPacking.unpackRows(
          matrix.bytes(part, in: files), rowBytes: numberBytes, storedRows: stored,
          outputs: outputs, into: target, rowStride: numberBytes)
      }
      rows.scales.withUnsafeMutableBytes { copy("scales", $0) }
      rows.minima.withUnsafeMutableBytes { copy("biases", $0) }
    }
    return rows
  }

  package func declarations(
    _ module: String, _ layout: PackedLayout
  ) -> [TensorDeclaration] {
    let numbers = [layout.rows, layout.groups]
    let words = RowStreamPacking.rowWords(columns: layout.columns, bits: layout.bits)
    let type = layout.scaleType.elementType
    return [
      TensorDeclaration(name: module + ".weight", type: .u32, shape: [layout.rows, words]),
      TensorDeclaration(name: module + ".scales", type: type, shape: numbers),
      TensorDeclaration(name: module + ".biases", type: type, shape: numbers),
    ]
  }

  package func bytes(
    _ tensor: TensorDeclaration, of rows: CodedRows, order: [Int32]?
  ) throws(QuantizedFormatError) -> [UInt8] {
    switch tensor.suffix {
    case "scales": return rows.scales
    case "biases": return rows.minima
    default: return rows.streamBytes(tensor.byteCount)
    }
  }
}
