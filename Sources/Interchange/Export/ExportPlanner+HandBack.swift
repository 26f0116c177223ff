internal import Checkpoints
internal import DecoderModel
internal import JSONText
internal import Quantization
internal import QuantizedFormats

// The file that was imported, made again: the same tensors in the same order, with the task's
// scales.
extension ExportPlanner {
  mutating func handBack(_ record: SourceRecord) throws -> [OutputFile] {
    let isGGUF = record.format == "gguf"
    let format = try sourceFormat(record)
    let stored = Set(record.files.flatMap { $0.tensors.map(\.name) })
    let prefix = tuned.config.droppablePrefix
    let modules = ExportModule.all(tuned.config, isGGUF ? .gguf : .huggingFace) { name in
      // Files that were saved from the bare model leave out the first part of the names.
      Self.isStored(name, stored) || !name.hasPrefix(prefix)
        ? name : String(name.dropFirst(prefix.count))
    }
    let byName = Dictionary(uniqueKeysWithValues: modules.map { ($0.tensorName, $0) })
    let matrices = Dictionary(
      uniqueKeysWithValues: modules.filter(\.isMatrix).map { ($0.name, $0) })
    var seen: Set<String> = []
    return try record.files.map { file in
      OutputFile(
        name: file.name, metadata: file.metadata,
        tensors: try file.tensors.map { tensor in
          try handBack(tensor, byName, matrices, format, &seen)
        })
    }
  }

  private func sourceFormat(_ record: SourceRecord) throws -> any QuantizedFormat {
    if record.format == "gguf" { return GGMLFormat() }
    let path = tuned.base.path
    let separate = try ModelFiles.jsonIfPresent(
      path + "/" + SourceRecord.folder + "/quantize_config.json")
    let config = try ModelFiles.json(path + "/config.json")
    guard let format = try RecognisedFormat.of(config, separate: separate, path: path),
      format.name == record.format
    else {
      throw ModelFileError.faults(
        path: path,
        ["config.json is not that of a \(record.format) model any more. Import it again."])
    }
    return format
  }

  private static func isStored(_ name: String, _ stored: Set<String>) -> Bool {
    guard name.hasSuffix(".weight") else { return stored.contains(name) }
    let module = name.dropLast(7)
    return [".weight", ".qweight", ".weight_packed"].contains { stored.contains(module + $0) }
  }

  private mutating func handBack(
    _ tensor: TensorDeclaration, _ byName: [String: ExportModule],
    _ matrices: [String: ExportModule], _ format: any QuantizedFormat, _ seen: inout Set<String>
  ) throws -> OutputTensor {
    if let kept = tuned.base.file.tensor(named: SourceRecord.keptName(tensor.name)),
      kept.byteRange.count == tensor.byteCount
    {
      let file = tuned.base.file
      return OutputTensor(tensor) { write in try write(file.bytes(of: kept)) }
    }
    let name = tensor.name.split(separator: ".").dropLast().joined(separator: ".")
    if let module = matrices[name], tuned.matrix(module.parts[0].tensor) != nil,
      !(tensor.name.hasSuffix(".bias") && byName[tensor.name] != nil)
    {
      if seen.insert(name).inserted {
        guard let layout = layout(of: module) else { return OutputTensor(tensor) { [] } }
        record(
          name, tensor.type.isBlockQuantized ? tensor.type.name : layout.form, ExportDifference())
        try progress(layout.rows * layout.columns)
      }
      return output(tensor, module, format)
    }
    guard let module = byName[tensor.name], module.shape == tensor.shape else {
      fault(
        "tensor \"\(tensor.name)\" of the imported file is not in this base. Import it again")
      return OutputTensor(tensor) { [] }
    }
    return try dense(module, as: tensor.type)
  }
}
