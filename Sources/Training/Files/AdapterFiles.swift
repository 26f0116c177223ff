internal import Checkpoints
internal import DecoderModel
internal import JSONText

/// The two files of an adapter. Their bytes depend on the parameters and settings only: no times,
/// no host names, nothing of ranks.
struct AdapterFiles {
  var tensors: [AdapterTensor]
  var config: JSONValue

  /// - Parameter base: what `base_model_name_or_path` says.
  init(model: any TrainableModel, base: String) {
    tensors = model.adapterTensors()
    let fixed: [(String, JSONValue)] = [
      ("peft_type", .string(Adapter.kind)), ("task_type", "CAUSAL_LM"), ("inference_mode", true),
      ("base_model_name_or_path", .string(base)),
    ]
    let names = fixed.map(\.0)
    config = .object(
      members: fixed + model.adapterDescription.filter { !names.contains($0.0) })
  }

  /// Writes both, each whole or not at all. Gives name and SHA-256 of each.
  @discardableResult
  func write(to folder: String) throws -> [(name: String, digest: String)] {
    let declarations = tensors.map {
      TensorDeclaration(name: $0.name, type: $0.type, shape: $0.shape)
    }
    let writer = try SafetensorsWriter(
      path: "\(folder)/\(Adapter.weightsName)", tensors: declarations, metadata: [("format", "pt")],
      overwrite: true, digest: true)
    for tensor in tensors { try writer.append(tensor.bytes, to: tensor.name) }
    let digest = try writer.finish() ?? ""
    let text = Array((config.text(indent: 2) + "\n").utf8)
    try AtomicFile.write(text, to: "\(folder)/\(Adapter.configName)")
    return [(Adapter.weightsName, digest), (Adapter.configName, SHA256.hexDigest(of: text))]
  }
}
