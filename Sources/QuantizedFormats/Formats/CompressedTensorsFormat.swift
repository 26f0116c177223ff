package import Checkpoints
internal import JSONText
internal import Kernels
package import Quantization

/// compressed-tensors as vLLM and llm-compressor keep it: `weight_packed` ("pack-quantized") or
/// `weight` of signed bytes ("int-quantized"), `weight_scale`, `weight_zero_point`. Bytes:
/// `RowStreamPacking`. Verified with compressed-tensors 0.20.
package struct CompressedTensorsFormat: QuantizedFormat {
  package let name = "compressed-tensors"
  /// Bits that the configuration names.
  private let bits: [Int]
  private let groupSizes: [Int]

  package init(bits: [Int], groupSizes: [Int] = []) {
    (self.bits, self.groupSizes) = (bits, groupSizes)
  }

  init(config: JSONValue, path: String) throws(QuantizedFormatError) {
    let groups = config["config_groups"]?.members?.map(\.value) ?? []
    let formats = ([config["format"]] + groups.map { $0["format"] }).compactMap { $0?.string }
    for format in formats
    where !["pack-quantized", "int-quantized", "mixed-precision"].contains(format) {
      throw .unsupported(
        path: path,
        detail: "compressed-tensors format \"\(format)\" is not read here, only pack-quantized and "
          + "int-quantized. Compress the model as one of these.")
    }
    for weights in groups.compactMap({ $0["weights"] }) {
      let type = weights["type"]?.string ?? "int"
      let strategy = weights["strategy"]?.string ?? "channel"
      guard type == "int", ["channel", "group"].contains(strategy) else {
        throw .unsupported(
          path: path,
          detail: "weights of type \"\(type)\" with strategy \"\(strategy)\" are not read here, "
            + "only integers by channel or group.")
      }
      if let order = weights["actorder"]?.string, order != "static", order != "weight" {
        throw .unsupported(
          path: path,
          detail: "actorder \"\(order)\" is not read here. Compress the model with \"static\".")
      }
    }
    let said = groups.compactMap { $0["weights"]?["num_bits"]?.int }
    guard !said.isEmpty, said.allSatisfy(PackedLayout.supportedBits.contains) else {
      throw .malformed(path: path, detail: "config_groups name no bits that are read here: \(said)")
    }
    self.init(
      bits: said, groupSizes: groups.compactMap { $0["weights"]?["group_size"]?.unlessNull?.int })
  }

  package func matrix(
    _ module: String, rows: Int, columns: Int, in files: any TensorSource
  ) throws(QuantizedFormatError) -> StoredMatrix? {
    var tensors = ModuleTensors(module, files)
    guard tensors.has("weight_scale") || !tensors.has("weight") else { return nil }
    let isPacked = !tensors.has("weight")
    let codes = try tensors.find(
      isPacked ? "weight_packed" : "weight", [isPacked ? .i32 : .i8])
    let width = bits.first {
      codes.shape
        == [rows, isPacked ? RowStreamPacking.rowWords(columns: columns, bits: $0) : columns]
    }
    guard let width, isPacked || bits.contains(8) else {
      throw tensors.malformed(
        "codes have shape \(codes.shape), which \(bits) bits do not give for \(rows) x \(columns) "
          + "weights")
    }
    let (scales, scaleType) = try tensors.findFloats("weight_scale")
    guard scales.shape[0] == rows else {
      throw tensors.malformed("weight_scale has shape \(scales.shape), expected [\(rows), groups]")
    }
    let groups = scales.shape[1]
    let size = try tensors.groupSize(
      groupSizes.first { $0 > 0 && (columns + $0 - 1) / $0 == groups } ?? -1, columns: columns,
      groups: groups)
    if tensors.has("weight_g_idx") {
      throw .unsupported(
        path: files.path,
        detail: "\"\(module)\" has weight_g_idx. Compress the model with actorder \"static\".")
    }
    if tensors.has("weight_zero_point") {
      _ =
        isPacked
        ? try tensors.find(
          "weight_zero_point", [.i32],
          [RowStreamPacking.rowWords(columns: rows, bits: width), groups])
        : try tensors.find("weight_zero_point", [.i8], [rows, groups])
    }
    if tensors.has("weight_shape") { _ = try tensors.find("weight_shape", [.i64, .i32], [2]) }
    let layout = PackedLayout(
      rows: rows, columns: columns, bits: isPacked ? width : 8, groupSize: size,
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
        if matrix.parts["weight"] == nil {
          RowStreamPacking.unpack(
            matrix.bytes("weight_packed", in: files), layout: layout, storedRows: stored,
            outputs: outputs, into: $0)
        } else {
          RowStreamPacking.unpackSigned(
            matrix.bytes("weight", in: files), layout: layout, storedRows: stored,
            outputs: outputs, into: $0)
        }
      }
      rows.scales.withUnsafeMutableBytes {
        let width = layout.groups * layout.scaleType.byteCount
        RowStreamPacking.unpackRows(
          matrix.bytes("weight_scale", in: files), rowBytes: width, storedRows: stored,
          outputs: outputs, into: $0, rowStride: width)
      }
    }
    guard let zeros = matrix.parts["weight_zero_point"] else {
      let centre = UInt8(1 << (layout.bits - 1))
      rows.zeros = [UInt8](repeating: centre, count: rows.zeros.count)
      return rows
    }
    storedRows.withUnsafeBufferPointer { stored in
      rows.zeros.withUnsafeMutableBytes {
        if zeros.type == .i32 {
          RowStreamPacking.unpackZeros(
            files.bytes(of: zeros), bits: layout.bits, groups: layout.groups, storedRows: stored,
            outputs: outputs, into: $0)
        } else {
          RowStreamPacking.unpackRows(
            files.bytes(of: zeros), rowBytes: layout.groups, storedRows: stored, outputs: outputs,
            into: $0, rowStride: layout.groups)
          for index in $0.indices { $0[index] ^= 0x80 }
        }
      }
    }
    return rows
  }

  package func declarations(
    _ module: String, _ layout: PackedLayout
  ) -> [TensorDeclaration] {
    let words = RowStreamPacking.rowWords(columns: layout.columns, bits: layout.bits)
    return [
      TensorDeclaration(
        name: module + ".weight_packed", type: .i32, shape: [layout.rows, words]),
      TensorDeclaration(
        name: module + ".weight_scale", type: layout.scaleType.elementType,
        shape: [layout.rows, layout.groups]),
      TensorDeclaration(name: module + ".weight_shape", type: .i64, shape: [2]),
      TensorDeclaration(
        name: module + ".weight_zero_point", type: .i32,
        shape: [
          RowStreamPacking.rowWords(columns: layout.rows, bits: layout.bits), layout.groups,
        ]),
    ]
  }

  package func bytes(
    _ tensor: TensorDeclaration, of rows: CodedRows, order: [Int32]?
  ) throws(QuantizedFormatError) -> [UInt8] {
    let layout = rows.layout
    switch tensor.suffix {
    case "weight_packed": return rows.streamBytes(tensor.byteCount)
    case "weight_scale": return rows.scales
    case "weight_shape":
      return [layout.rows, layout.columns].flatMap { number in
        tensor.type == .i64
          ? withUnsafeBytes(of: Int64(number).littleEndian) { Array($0) }
          : withUnsafeBytes(of: Int32(number).littleEndian) { Array($0) }
      }
    case "weight_zero_point" where tensor.type == .i8: return rows.zeros.map { $0 ^ 0x80 }
    default: break
    }
    var bytes = [UInt8](repeating: 0, count: tensor.byteCount)
    Array(0..<layout.rows).withUnsafeBufferPointer { stored in
      bytes.withUnsafeMutableBytes { target in
        if tensor.suffix == "weight" {
          rows.codes.withUnsafeBytes {
            RowStreamPacking.packSigned(
              $0, layout: layout, storedRows: stored, outputs: layout.rows, into: target)
          }
        } else {
          rows.zeros.withUnsafeBytes {
            RowStreamPacking.packZeros(
              $0, bits: layout.bits, groups: layout.groups, storedRows: stored,
              outputs: layout.rows, into: target)
          }
        }
      }
    }
    return bytes
  }
}
