package import Checkpoints
internal import JSONText
internal import Kernels
package import Quantization

/// AWQ as AutoAWQ keeps it (version "gemm"): `qweight`, `qzeros`, `scales`, 4 bits. Bytes:
/// `AWQPacking`. Verified with gptqmodel 7.7.0.
package struct AWQFormat: QuantizedFormat {
  package let name = "awq"
  private let groupSize: Int

  package init(groupSize: Int = -1) { self.groupSize = groupSize }

  init(config: JSONValue, path: String) throws(QuantizedFormatError) {
    let version = config["version"]?.string?.lowercased() ?? "gemm"
    guard version == "gemm" else {
      throw .unsupported(
        path: path,
        detail: "AWQ version \"\(version)\" is not read here. Save the model with version \"gemm\"."
      )
    }
    let bits = config["bits"]?.int ?? config["w_bit"]?.int ?? 4
    guard bits == 4 else {
      throw .unsupported(path: path, detail: "AWQ with \(bits) bits is not read here, only 4.")
    }
    self.init(groupSize: config["group_size"]?.int ?? config["q_group_size"]?.int ?? -1)
  }

  package func matrix(
    _ module: String, rows: Int, columns: Int, in files: any TensorSource
  ) throws(QuantizedFormatError) -> StoredMatrix? {
    var tensors = ModuleTensors(module, files)
    guard tensors.has("qweight") || !tensors.has("weight") else { return nil }
    guard rows % AWQPacking.outputMultiple == 0 else {
      throw tensors.malformed("\(rows) outputs are no multiple of 8, as AWQ needs")
    }
    _ = try tensors.find("qweight", [.i32], [columns, rows / 8])
    let (scaleType, groups) = try tensors.transposedScales(rows: rows)
    let size = try tensors.groupSize(groupSize, columns: columns, groups: groups)
    _ = try tensors.find("qzeros", [.i32], [groups, rows / 8])
    let layout = PackedLayout(
      rows: rows, columns: columns, bits: AWQPacking.bits, groupSize: size,
      scaleType: scaleType)
    return StoredMatrix(module, layout, tensors.parts)
  }

  package func read(
    _ matrix: StoredMatrix, _ storedRows: [Int], in files: any TensorSource
  ) throws(QuantizedFormatError) -> CodedRows {
    let layout = matrix.layout.with(rows: storedRows.count)
    var rows = CodedRows(layout: layout)
    let outputs = matrix.layout.rows
    storedRows.withUnsafeBufferPointer { stored in
      rows.codes.withUnsafeMutableBytes {
        AWQPacking.unpack(
          matrix.bytes("qweight", in: files), layout: layout, storedRows: stored, outputs: outputs,
          into: $0)
      }
      rows.readTransposedScales(of: matrix, stored, in: files)
      rows.zeros.withUnsafeMutableBytes {
        AWQPacking.unpackZeros(
          matrix.bytes("qzeros", in: files), groups: layout.groups, storedRows: stored,
          outputs: outputs, into: $0)
      }
    }
    return rows
  }

  package func declarations(
    _ module: String, _ layout: PackedLayout
  ) -> [TensorDeclaration] {
    let (o, i, g) = (layout.rows, layout.columns, layout.groups)
    return [
      TensorDeclaration(name: module + ".qweight", type: .i32, shape: [i, o / 8]),
      TensorDeclaration(name: module + ".qzeros", type: .i32, shape: [g, o / 8]),
      TensorDeclaration(
        name: module + ".scales", type: layout.scaleType.elementType, shape: [g, o]),
    ]
  }

  package func bytes(
    _ tensor: TensorDeclaration, of rows: CodedRows, order: [Int32]?
  ) throws(QuantizedFormatError) -> [UInt8] {
    let layout = rows.layout
    var bytes = [UInt8](repeating: 0, count: tensor.byteCount)
    Array(0..<layout.rows).withUnsafeBufferPointer { stored in
      bytes.withUnsafeMutableBytes { target in
        switch tensor.suffix {
        case "qweight":
          rows.codes.withUnsafeBytes {
            AWQPacking.pack(
              $0, layout: layout, storedRows: stored, outputs: layout.rows, into: target)
          }
        case "qzeros":
          rows.zeros.withUnsafeBytes {
            AWQPacking.packZeros(
              $0, groups: layout.groups, storedRows: stored, outputs: layout.rows, into: target)
          }
        default:
          rows.writeTransposedScales(stored, into: target)
        }
      }
    }
    return bytes
  }
}
