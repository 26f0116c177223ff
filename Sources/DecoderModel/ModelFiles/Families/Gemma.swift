internal import Foundation
internal import JSONText
internal import Kernels

// Gemma: embeddings times sqrt(width), norms of 1 + w, GeGLU, tied embeddings.
extension Family {
  static let gemma = Family(
    modelType: "gemma", architecture: "GemmaForCausalLM", ggufArchitecture: "gemma",
    defaults: gemmaDefaults,
    tensors: TensorNames(normOffset: 1), block: BlockSpec { $0.activation = .geluTanh },
    read: { fields, config in
      scaleEmbeddings(&config)
      // "gelu" has meant the tanh form since the first files, which were wrong about it.
      if config.block.activation == .gelu { config.block.activation = .geluTanh }
    },
    readGGUF: { _, config, _ in
      scaleEmbeddings(&config)
    },
    verified: "logits and gradients against transformers; GGUF against llama.cpp")

  /// Gemma 2: norms before and behind each branch, capped scores and logits, a window in every
  /// second layer.
  static let gemma2 = Family(
    modelType: "gemma2", architecture: "Gemma2ForCausalLM", ggufArchitecture: "gemma2",
    keys: ConfigKeys(activation: "hidden_activation"), defaults: gemmaDefaults,
    tensors: TensorNames(within: gemmaNorms, normOffset: 1),
    block: BlockSpec {
      $0.activation = .geluTanh
      $0.placement = .both
    },
    read: { fields, config in
      readScaled(&fields, &config)
      config.block.scoreCap = cap(&fields, "attn_logit_softcapping", or: 50)
      config.ends.logitCap = cap(&fields, "final_logit_softcapping", or: 30)
      readWindows(&fields, &config, window: 4096, globalEvery: 2)
    },
    readGGUF: { fields, config, _ in
      readScaledGGUF(&fields, &config, globalEvery: 2)
      config.block.scoreCap = cap(&fields, "attn_logit_softcapping", or: 50)
      config.ends.logitCap = cap(&fields, "final_logit_softcapping", or: 30)
    },
    ownKeys: ["layer_types"],
    members: { config in
      scaledMembers(config) + [
        ("attn_logit_softcapping", number(config.block.scoreCap)),
        ("final_logit_softcapping", number(config.ends.logitCap)),
      ]
    },
    verified: "logits and gradients against transformers; GGUF against llama.cpp")

  /// Gemma 3, its text part: Gemma 2 with norms of q and k instead of caps, and two rotations.
  static let gemma3 = Family(
    modelType: "gemma3_text", architecture: "Gemma3ForCausalLM", ggufArchitecture: "gemma3",
    keys: ConfigKeys(activation: "hidden_activation"),
    defaults: ConfigDefaults(
      length: 131_072, keyValueHeads: 4, headSize: 256, activation: "gelu_pytorch_tanh",
      theta: 1_000_000, isTied: true),
    tensors: TensorNames(within: gemmaNorms, normOffset: 1),
    block: BlockSpec {
      $0.activation = .geluTanh
      $0.placement = .both
      $0.queryKeyNorm = .head
    },
    read: { fields, config in
      readScaled(&fields, &config)
      config.block.scoreCap = cap(&fields, "attn_logit_softcapping", or: nil)
      config.ends.logitCap = cap(&fields, "final_logit_softcapping", or: nil)
      readWindows(
        &fields, &config, window: 4096,
        globalEvery: fields.integer("sliding_window_pattern", 1...4096, or: 6))
      let local = fields.real("rope_local_base_freq", DecoderConfig.Limits.theta, or: 10_000)
      if config.localRope == nil { config.localRope = RopeConfig(theta: local) }
    },
    readGGUF: { fields, config, _ in
      readScaledGGUF(&fields, &config, globalEvery: 6)
      config.localRope = RopeConfig(
        theta: fields.real("rope.freq_base_swa", DecoderConfig.Limits.theta, or: 10_000))
    },
    ownKeys: ["layer_types"],
    members: { config in
      scaledMembers(config) + [
        ("attn_logit_softcapping", number(config.block.scoreCap)),
        ("final_logit_softcapping", number(config.ends.logitCap)),
        ("rope_local_base_freq", .real(config.localRope?.theta ?? 10_000)),
      ]
    },
    verified: "logits and gradients against transformers; GGUF against llama.cpp")

  private static let gemmaDefaults = ConfigDefaults(
    length: 8192, headSize: 256, activation: "gelu_pytorch_tanh", isTied: true)

  /// Gemma's norms behind the branches have the names that LLaMA's before them have.
  private static let gemmaNorms = [
    "attention_output_norm": "post_attention_layernorm",
    "post_attention_layernorm": "pre_feedforward_layernorm",
    "mlp_output_norm": "post_feedforward_layernorm",
  ]

  /// Embeddings times the root of the width, scores by that of `query_pre_attn_scalar`.
  private static func readScaled(_ fields: inout ConfigFields, _ config: inout DecoderConfig) {
    scaleEmbeddings(&config)
    let numbers = fields.real("query_pre_attn_scalar", DecoderConfig.Limits.factor, or: 256)
    config.block.scoreScale =
      numbers == Double(config.headSize) ? nil : Float(1 / numbers.squareRoot())
    if fields.bool("use_bidirectional_attention", or: false) {
      fields.fault("\"use_bidirectional_attention\" is true: attention is causal here")
    }
  }

  /// Embeddings times the root of the width.
  private static func scaleEmbeddings(_ config: inout DecoderConfig) {
    config.ends.embeddingScale = Float(Double(config.hiddenSize).squareRoot())
  }

  private static func cap(
    _ fields: inout ConfigFields, _ key: String, or absent: Double?
  ) -> Float? {
    if fields.has(key), fields.value(key) == nil { return nil }
    guard fields.value(key) != nil || absent != nil else { return nil }
    return Float(fields.real(key, DecoderConfig.Limits.factor, or: absent))
  }

  private static func number(_ value: Float?) -> JSONValue {
    value.map { .real(Double("\($0)") ?? Double($0)) } ?? .null
  }

  /// `sliding_window`, and the layers that have none: `layer_types`, or every so-manieth.
  private static func readWindows(
    _ fields: inout ConfigFields, _ config: inout DecoderConfig, window: Int, globalEvery: Int
  ) {
    config.slidingWindow = fields.integer(
      "sliding_window", DecoderConfig.Limits.length, or: window)
    config.globalLayers = (0..<config.layerCount).filter { ($0 + 1) % globalEvery == 0 }
    config.readLayerTypes(&fields)
  }

  /// As llama.cpp has it: windows in all layers but every so-manieth, scores by the size of a head,
  /// in the models of 27B by its part of the stream.
  private static func readScaledGGUF(
    _ fields: inout ConfigFields, _ config: inout DecoderConfig, globalEvery: Int
  ) {
    scaleEmbeddings(&config)
    // Layers are local by their place, however long the window is.
    config.slidingWindow = fields.integer(
      "attention.sliding_window", DecoderConfig.Limits.length, or: 4096)
    config.globalLayers = (0..<config.layerCount).filter { ($0 + 1) % globalEvery == 0 }
    guard [46, 62].contains(config.layerCount) else { return }
    config.block.scoreScale = Float(1 / Double(config.hiddenSize / config.headCount).squareRoot())
  }

  private static func scaledMembers(_ config: DecoderConfig) -> [(String, JSONValue)] {
    let scale = Double(config.block.scoreScale ?? 1 / Float(config.headSize).squareRoot())
    return [
      ("query_pre_attn_scalar", .real((1 / (scale * scale) * 1e4).rounded() / 1e4)),
      ("sliding_window", config.slidingWindow.map { .integer($0) } ?? .null),
      ("layer_types", config.layerTypes),
    ]
  }
}

extension DecoderConfig {
  /// `layer_types` of `config.json`, where it is there.
  mutating func readLayerTypes(_ fields: inout ConfigFields) {
    guard let types = fields.value("layer_types") else { return }
    let names = (types.array ?? []).compactMap(\.string)
    guard names.count == layerCount,
      names.allSatisfy({ $0 == "sliding_attention" || $0 == "full_attention" })
    else {
      fields.fault(
        "\"layer_types\" must say sliding_attention or full_attention for each of \(layerCount) "
          + "layers")
      return
    }
    globalLayers = names.indices.filter { names[$0] == "full_attention" }
  }

  var layerTypes: JSONValue {
    .array(
      (0..<layerCount).map {
        .string(window(layer: $0) == nil ? "full_attention" : "sliding_attention")
      })
  }
}
