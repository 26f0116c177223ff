internal import JSONText

extension Family {
  /// Qwen2 and Qwen2.5: LLaMA with biases on q, k and v.
  static let qwen2 = Family(
    modelType: "qwen2", architecture: "Qwen2ForCausalLM", ggufArchitecture: "qwen2",
    defaultLength: 32_768, defaultKeyValueHeads: 32, attentionBias: true, window: qwenWindow,
    ownMembers: qwenMembers, verified: "logits and gradients against transformers")

  /// Only with `use_sliding_window`, and then only for layers from `max_window_layers` on.
  @Sendable static func qwenWindow(
    _ fields: inout ConfigFields, layers: Int, length: Int
  ) -> Int? {
    guard fields.bool("use_sliding_window", or: false) else { return nil }
    let limits = 0...DecoderConfig.Limits.layers.upperBound
    let first = fields.integer("max_window_layers", limits, or: 28)
    if first >= layers { return nil }
    if first > 0 {
      fields.fault(
        "\"max_window_layers\" is \(first) of \(layers): layers with different attention are "
          + "not supported")
    }
    return fields.integer("sliding_window", DecoderConfig.Limits.length, or: 4096)
  }

  @Sendable static func qwenMembers(_ config: DecoderConfig) -> [(String, JSONValue)] {
    let window = config.slidingWindow
    return [("use_sliding_window", .bool(window != nil))]
      + (window.map { [("sliding_window", .integer($0))] } ?? [])
      + [("max_window_layers", .integer(window == nil ? config.layerCount : 0))]
  }
}
