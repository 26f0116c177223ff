package import Checkpoints
internal import JSONText
internal import Kernels
package import Quantization

/// GPTQ as gptqmodel, AutoGPTQ and transformers keep it: `qweight`, `qzeros`, `scales`, `g_idx`.
/// Bytes: `GPTQPacking`. Verified with gptqmodel 7.7.0.
package struct GPTQFormat: QuantizedFormat {
  package let name = "gptq"
  /// checkpoint_format "gptq": zero points are kept less one.
  package let version1: Bool
  private let groupSize: Int
  /// desc_act: the columns of a group do not follow each other.
  private let isReordered: Bool

  package init(version1: Bool = false, groupSize: Int = -1, isReordered: Bool = false) {
    (self.version1, self.groupSize) = (version1, groupSize)
    self.isReordered = isReordered
  }

  init(config: JSONValue, path: String) throws(QuantizedFormatError) {
    let format = config["checkpoint_format"]?.string ?? config["format"]?.string ?? "gptq"
    guard format == "gptq" || format == "gptq_v2" else {
      throw .unsupported(
        path: path,
        detail: "checkpoint_format \"\(format)\" is a layout for one kernel. Save the model as "
          + "\"gptq\" or \"gptq_v2\".")
    }
    if let pack = config["pack_dtype"]?.string, pack != "int32" {
      throw .unsupported(
        path: path, detail: "pack_dtype \"\(pack)\" is not read here. Save the model with int32.")
    }
    self.init(
      version1: format == "gptq", groupSize: config["group_size"]?.int ?? -1,
      isReordered: config["desc_act"]?.bool ?? false)
  }

  package func matrix(
    _ module: String, rows: Int, columns: Int, in files: any TensorSource
  ) throws(QuantizedFormatError) -> StoredMatrix? {
    var tensors = ModuleTensors(module, files)
    guard tensors.has("qweight") || !tensors.has("weight") else { return nil }
    let codes = try tensors.find("qweight", [.i32])
    let bits = GPTQPacking.supportedBits.first {
      codes.shape == [GPTQPacking.wordRows(columns: columns, bits: $0), rows]
    }
    guard let bits else {
      throw tensors.malformed(
        "qweight has shape \(codes.shape), which no bits of 2, 3, 4, 8 give for \(rows) x "
          + "\(columns) weights")
    }
    let (scaleType, groups) = try tensors.transposedScales(rows: rows)
    let size = try tensors.groupSize(groupSize, columns: columns, groups: groups)
    _ = try tensors.find(
      "qzeros", [.i32], [groups, GPTQPacking.wordRows(columns: rows, bits: bits)])
    var order: [Int32]?
    if tensors.has("g_idx") {
      let index = try tensors.find("g_idx", [.i32], [columns])
      order = try Self.order(files.bytes(of: index), size: size, tensors)
    } else if isReordered, groups > 1 {
      throw tensors.malformed(
        "g_idx is missing, though the configuration says desc_act: which columns make up a group is "
          + "not known. Get the model again")
    }
    let layout = PackedLayout(
      rows: rows, columns: columns, bits: bits, groupSize: size,
      scaleType: scaleType)
    return StoredMatrix(module, layout, tensors.parts, order: order)
  }

  private static func order(
    _ bytes: UnsafeRawBufferPointer, size: Int, _ tensors: ModuleTensors
  ) throws(QuantizedFormatError) -> [Int32]? {
    let index = (0..<bytes.count / 4).map {
      Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Int32.self))
    }
    do {
      return try GPTQPacking.columnOrder(index, groupSize: size)?.map { Int32($0) }
    } catch {
      throw tensors.malformed("\(error). The file is damaged: get the model again")
    }
  }

  package func read(
    _ matrix: StoredMatrix, _ storedRows: [Int], in files: any TensorSource
  ) throws(QuantizedFormatError) -> CodedRows {
    let layout = matrix.layout.with(rows: storedRows.count)
    var rows = CodedRows(layout: layout)
    storedRows.withUnsafeBufferPointer { stored in
      rows.codes.withUnsafeMutableBytes {
        GPTQPacking.unpack(
          matrix.bytes("qweight", in: files), layout: layout, storedRows: stored,
          outputs: matrix.layout.rows, into: $0)
        guard let order = matrix.order else { return }
        order.map(Int.init).withUnsafeBufferPointer { [bytes = $0] in
          GPTQPacking.permuteColumns(of: bytes, layout: layout, order: $0)
        }
      }
      rows.readTransposedScales(of: matrix, stored, in: files)
      rows.zeros.withUnsafeMutableBytes {
        GPTQPacking.unpackZeros(
          matrix.bytes("qzeros", in: files), bits: layout.bits, groups: layout.groups,
          version1: version1, storedRows: stored, outputs: matrix.layout.rows, into: $0)
      }
    }
    return rows
  }

  package func declarations(
    _ module: String, _ layout: PackedLayout
  ) -> [TensorDeclaration] {
    let (o, i, g) = (layout.rows, layout.columns, layout.groups)
    return [
      TensorDeclaration(
        name: module + ".g_idx", type: .i32, shape: [i]),
      TensorDeclaration(
        name: module + ".qweight", type: .i32,
        shape: [GPTQPacking.wordRows(columns: i, bits: layout.bits), o]),
      TensorDeclaration(
        name: module + ".qzeros", type: .i32,
        shape: [g, GPTQPacking.wordRows(columns: o, bits: layout.bits)]),
      TensorDeclaration(
        name: module + ".scales", type: layout.scaleType.elementType, shape: [g, o]),
    ]
  }

  package func bytes(
    _ tensor: TensorDeclaration, of rows: CodedRows, order: [Int32]?
  ) throws(QuantizedFormatError) -> [UInt8] {
    let layout = rows.layout
    var bytes = [UInt8](repeating: 0, count: tensor.byteCount)
    let all = Array(0..<layout.rows)
    all.withUnsafeBufferPointer { stored in
      bytes.withUnsafeMutableBytes { target in
        switch tensor.suffix {
        case "qweight":
          var codes = rows.codes
          codes.withUnsafeMutableBytes { codes in
            order?.map(Int.init).withUnsafeBufferPointer {
              GPTQPacking.restoreColumns(of: codes, layout: layout, order: $0)
            }
            GPTQPacking.pack(
              UnsafeRawBufferPointer(codes), layout: layout, storedRows: stored,
              outputs: layout.rows, into: target)
          }
        case "qzeros":
          rows.zeros.withUnsafeBytes {
            GPTQPacking.packZeros(
              $0, bits: layout.bits, groups: layout.groups, version1: version1, storedRows: stored,
              outputs: layout.rows, into: target)
          }
        case "scales":
          rows.writeTransposedScales(stored, into: target)
        default:
          for place in 0..<layout.columns {
            let column = order.map { Int($0[place]) } ?? place
            target.storeBytes(
              of: Int32(place / layout.groupSize).littleEndian, toByteOffset: column * 4,
              as: Int32.self)
          }
        }
      }
    }
    return bytes
  }
}
