package import Checkpoints
package import Quantization

/// GGML's quantized blocks, as GGUF files have them: one tensor a matrix, of a type that says all.
/// Bytes: `GGMLBlocks`. Verified with llama.cpp.
package struct GGMLFormat: QuantizedFormat {
  package let name = "gguf"
  /// Of tensors that are written.
  private let type: ElementType

  package init(_ type: ElementType = .q4_0) { self.type = type }

  package func matrix(
    _ module: String, rows: Int, columns: Int, in files: any TensorSource
  ) throws(QuantizedFormatError) -> StoredMatrix? {
    guard let tensor = files.tensor(named: module + ".weight"),
      tensor.rows == rows, tensor.columns == columns,
      let layout = GGMLBlocks.layout(tensor.type, rows: rows, columns: columns)
    else { return nil }
    return StoredMatrix(module, layout, ["weight": tensor])
  }

  package func read(
    _ matrix: StoredMatrix, _ storedRows: [Int], in files: any TensorSource
  ) throws(QuantizedFormatError) -> CodedRows {
    guard let tensor = matrix.parts["weight"] else {
      preconditionFailure("a matrix of GGML has one tensor")
    }
    return storedRows.withUnsafeBufferPointer {
      GGMLBlocks.unpack(
        files.bytes(of: tensor), as: tensor.type, columns: tensor.columns, storedRows: $0)
    }
  }

  package func declarations(
    _ module: String, _ layout: PackedLayout
  ) -> [TensorDeclaration] {
    [
      TensorDeclaration(
        name: module + ".weight", type: type, shape: [layout.rows, layout.columns])
    ]
  }

  package func bytes(
    _ tensor: TensorDeclaration, of rows: CodedRows, order: [Int32]?
  ) throws(QuantizedFormatError) -> [UInt8] {
    do {
      return try GGMLBlocks.pack(rows, as: tensor.type)
    } catch {
      throw .malformed(path: tensor.name, detail: "\(error)")
    }
  }
}
