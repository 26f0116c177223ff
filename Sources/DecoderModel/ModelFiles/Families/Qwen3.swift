internal import JSONText

extension Family {
  /// Qwen3 (dense): Qwen2 without biases, with norms of every head of q and k.
  static let qwen3 = Family(
    modelType: "qwen3", architecture: "Qwen3ForCausalLM", ggufArchitecture: "qwen3",
    defaults: ConfigDefaults(length: 32_768, keyValueHeads: 32, headSize: 128),
    block: BlockSpec { $0.queryKeyNorm = .head }, read: qwenWindow, ownKeys: ["layer_types"],
    members: qwenMembers,
    verified: "logits and gradients against transformers; GGUF against llama.cpp")

  /// Qwen3 with a mixture of experts in every layer.
  static let qwen3moe = Family(
    modelType: "qwen3_moe", architecture: "Qwen3MoeForCausalLM", ggufArchitecture: "qwen3moe",
    keys: ConfigKeys(intermediateSize: "moe_intermediate_size"),
    defaults: ConfigDefaults(length: 32_768, keyValueHeads: 4),
    tensors: TensorNames(within: ["mlp.router": "mlp.gate"]),
    block: BlockSpec {
      $0.queryKeyNorm = .head
      $0.experts = BlockSpec.Experts(count: 128, perToken: 8, normalizesWeights: false)
    },
    read: { fields, config in
      // All layers have the window here.
      if fields.bool("use_sliding_window", or: false) {
        slidingWindow(&fields, &config, absent: 4096)
        config.readLayerTypes(&fields)
      }
      // Published files say num_experts, those of transformers 5 the other.
      let count = fields.has("num_experts") ? "num_experts" : "num_local_experts"
      experts(&fields, &config, count: count, defaults: (128, 8))
      config.block.experts?.normalizesWeights = fields.bool("norm_topk_prob", or: false)
      let dense = fields.value("mlp_only_layers")?.array ?? []
      if !dense.isEmpty || fields.integer("decoder_sparse_step", 1...4096, or: 1) != 1 {
        fields.fault(
          "\"mlp_only_layers\" or \"decoder_sparse_step\": layers without experts among those with "
            + "them are not supported")
      }
    },
    readGGUF: { _, config, _ in config.block.experts?.normalizesWeights = true },
    ownKeys: ["layer_types"],
    members: { config in
      windowMember(config) + expertMembers(config, count: "num_experts") + [
        ("use_sliding_window", .bool(config.slidingWindow != nil)),
        ("layer_types", config.layerTypes),
        ("norm_topk_prob", .bool(config.block.experts?.normalizesWeights ?? false)),
        ("decoder_sparse_step", 1), ("mlp_only_layers", .array([])),
      ]
    },
    verified: "logits and gradients against transformers; GGUF against llama.cpp")
}
