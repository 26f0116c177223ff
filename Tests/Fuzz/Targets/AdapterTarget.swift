internal import Checkpoints
internal import DecoderModel
internal import JSONText
internal import Quantization

extension FuzzTarget {
  private static let folder = ScratchFolder()
  private static let baseFolder = "DecoderModelTests/Fixtures/llama_4bit_row"
  nonisolated(unsafe) private static let base = Result {
    try LoadedModel.open(Fixture.path(baseFolder))
  }

  /// The input is `adapter_config.json`, where it begins as JSON does, or the scales beside a good
  /// one.
  static let adapter = FuzzTarget(
    name: "adapter", maximumSize: 8192, seeds: { [try goodConfig(), try exampleScales()] },
    words: ["peft_type", "PEQA", "base_sha256"],
    read: { bytes in
      let model = try base.get()
      let isConfig = bytes.first == UInt8(ascii: "{")
      folder.put(Adapter.configName, isConfig ? Array(bytes) : try goodConfig())
      if !isConfig { folder.put(Adapter.weightsName, bytes) }
      _ = try Adapter.load(folder.path, base: try model.requiredBase(), weights: model.weights)
    })

  private static func goodConfig() throws -> [UInt8] {
    let digest = try base.get().requiredBase().manifest.baseDigest
    let config: JSONValue = ["peft_type": .string(Adapter.kind), "base_sha256": .string(digest)]
    return Array(config.text().utf8)
  }

  private static func exampleScales() throws -> [UInt8] {
    let scales = AdapterScales(form: .scales, of: try base.get().weights)
    let path = folder("example.safetensors")
    let writer = try SafetensorsWriter(
      path: path,
      tensors: scales.entries.map {
        TensorDeclaration(
          name: $0.tensorName(.scales), type: $0.type.elementType, shape: scales.shape(of: $0))
      }, metadata: [("format", "pt")], overwrite: true, digest: false)
    for entry in scales.entries {
      try writer.append(
        [UInt8](repeating: 0x2C, count: 2 * entry.rows * entry.groups),
        to: entry.tensorName(.scales))
    }
    _ = try writer.finish()
    return try Fixture.bytes(atPath: path)
  }
}
