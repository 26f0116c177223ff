internal import JSONText

extension Family {
  /// Qwen2 and Qwen2.5: LLaMA with biases on q, k and v.
  static let qwen2 = Family(
    modelType: "qwen2", architecture: "Qwen2ForCausalLM", ggufArchitecture: "qwen2",
    defaults: ConfigDefaults(length: 32_768, keyValueHeads: 32),
    block: BlockSpec { $0.biases = [.query, .key, .value] }, read: qwenWindow,
    ownKeys: ["layer_types"], members: qwenMembers,
    verified: "logits and gradients against transformers; GGUF against llama.cpp")

  /// Only with `use_sliding_window`, and then only for layers from `max_window_layers` on.
  @Sendable static func qwenWindow(_ fields: inout ConfigFields, _ config: inout DecoderConfig) {
    let isNull = fields.has("sliding_window") && fields.value("sliding_window") == nil
    guard fields.bool("use_sliding_window", or: false), !isNull else { return }
    let limits = 0...DecoderConfig.Limits.layers.upperBound
    let first = fields.integer("max_window_layers", limits, or: 28)
    if first >= config.layerCount, fields.value("layer_types") == nil { return }
    config.slidingWindow = fields.integer(
      "sliding_window", DecoderConfig.Limits.length, or: 4096)
    config.globalLayers = Array(0..<min(first, config.layerCount))
    config.readLayerTypes(&fields)
  }

  @Sendable static func qwenMembers(_ config: DecoderConfig) -> [(String, JSONValue)] {
    let window = config.slidingWindow
    return [("use_sliding_window", .bool(window != nil))]
      + (window.map { [("sliding_window", .integer($0))] } ?? [])
      + [
        (
          "max_window_layers",
          .integer(window == nil ? config.layerCount : config.globalLayers.count)
        ), ("layer_types", config.layerTypes),
      ]
  }
}
