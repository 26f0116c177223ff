internal import JSONText

extension Family {
  /// SmolLM3: LLaMA in which the queries and keys of every fourth layer are not rotated.
  static let smollm3 = Family(
    modelType: "smollm3", architecture: "SmolLM3ForCausalLM", ggufArchitecture: "smollm3",
    defaults: ConfigDefaults(
      length: 32_768, keyValueHeads: 4, theta: 2_000_000, isTied: true),
    ggufTensors: .gguf(interleaves: true),
    read: { fields, config in
      if fields.bool("use_sliding_window", or: false), fields.value("sliding_window") != nil {
        fields.fault("\"use_sliding_window\" is true: windows are not supported here")
      }
      config.unrotatedLayers = unrotatedLayers(&fields, config.layerCount)
    },
    readGGUF: { _, config, _ in
      // As llama.cpp has it: every fourth layer.
      config.unrotatedLayers = (0..<config.layerCount).filter { ($0 + 1) % 4 == 0 }
    },
    members: { config in
      let flags = (0..<config.layerCount).map { layer in
        JSONValue.integer(config.unrotatedLayers.contains(layer) ? 0 : 1)
      }
      return [("no_rope_layers", .array(flags)), ("use_sliding_window", false)]
    },
    verified: "logits and gradients against transformers; GGUF against llama.cpp")

  private static func unrotatedLayers(_ fields: inout ConfigFields, _ layers: Int) -> [Int] {
    let interval = fields.integer("no_rope_layer_interval", DecoderConfig.Limits.layers, or: 4)
    guard let listed = fields.value("no_rope_layers") else {
      return (0..<layers).filter { ($0 + 1) % interval == 0 }
    }
    // 1 for a layer that is rotated, in spite of the name. The list may be too long.
    let flags = (listed.array ?? []).compactMap(\.int)
    guard flags.count == listed.array?.count, flags.count >= layers else {
      fields.fault("\"no_rope_layers\" must be a list of 0 or 1 for each of \(layers) layers")
      return []
    }
    return (0..<layers).filter { flags[$0] == 0 }
  }
}
