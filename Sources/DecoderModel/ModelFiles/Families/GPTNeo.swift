internal import JSONText
internal import Kernels

extension Family {
  /// GPT-Neo: learned positions, scores that are not scaled, a window in every second layer.
  static let gptneo = Family(
    modelType: "gpt_neo", architecture: "GPTNeoForCausalLM",
    keys: ConfigKeys(
      layers: "num_layers", heads: "num_heads", keyValueHeads: nil, headSize: nil,
      epsilon: "layer_norm_epsilon", activation: "activation_function", theta: nil),
    defaults: ConfigDefaults(
      expansion: 4, epsilon: 1e-5, activation: "gelu_new", isTied: true),
    tensors: TensorNames(
      prefix: "transformer.", layers: "h.",
      within: [
        "self_attn.q_proj": "attn.attention.q_proj", "self_attn.k_proj": "attn.attention.k_proj",
        "self_attn.v_proj": "attn.attention.v_proj", "self_attn.o_proj": "attn.attention.out_proj",
        "mlp.up_proj": "mlp.c_fc", "mlp.down_proj": "mlp.c_proj", "input_layernorm": "ln_1",
        "post_attention_layernorm": "ln_2",
      ], ends: ["embed_tokens": "wte", "embed_positions": "wpe", "norm": "ln_f"]),
    block: BlockSpec {
      $0.norm = .layer
      $0.biases = [.attentionOutput, .up, .down]
      $0.scoreScale = 1
      $0.rotatedSize = 0
      $0.activation = .geluTanh
      $0.isGated = false
    },
    read: { fields, config in
      config.ends.learnedPositions = config.maximumLength
      config.slidingWindow = fields.integer(
        "window_size", DecoderConfig.Limits.length, or: 256)
      let kinds = attentionKinds(&fields, config.layerCount)
      config.globalLayers = kinds.indices.filter { kinds[$0] == "global" }
    },
    members: { config in
      let kinds = (0..<config.layerCount).map {
        JSONValue.string(config.window(layer: $0) == nil ? "global" : "local")
      }
      return [
        ("window_size", .integer(config.slidingWindow ?? 256)), ("attention_layers", .array(kinds)),
        ("attention_types", .array([.array([.array(kinds), 1])])),
      ]
    },
    verified: "logits and gradients against transformers")

  /// "global" or "local" for each layer: `attention_layers`, or what `attention_types` spells out,
  /// as [[["global", "local"], 12]] does 24 layers.
  private static func attentionKinds(_ fields: inout ConfigFields, _ layers: Int) -> [String] {
    var kinds: [String] = []
    if let listed = fields.value("attention_layers")?.array {
      kinds = listed.compactMap(\.string)
    } else if let types = fields.value("attention_types")?.array {
      for type in types {
        let parts = type.array ?? []
        guard parts.count == 2, let times = parts[1].int, (1...layers).contains(times) else {
          break
        }
        let pattern = (parts[0].array ?? []).compactMap(\.string)
        for _ in 0..<times where kinds.count <= layers { kinds += pattern }
      }
    } else {
      kinds = (0..<layers).map { $0 % 2 == 0 ? "global" : "local" }
    }
    if kinds.count != layers || !kinds.allSatisfy({ $0 == "global" || $0 == "local" }) {
      let key = fields.value("attention_layers") == nil ? "attention_types" : "attention_layers"
      fields.fault("\"\(key)\" must say global or local for each of \(layers) layers")
    }
    return kinds
  }
}
