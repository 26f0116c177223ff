internal import JSONText
internal import Kernels

extension Family {
  /// OPT: learned positions, ReLU, biases everywhere. The 350M model has its norms behind the sums,
  /// none at the end, and narrower embeddings.
  static let opt = Family(
    modelType: "opt", architecture: "OPTForCausalLM",
    keys: ConfigKeys(
      intermediateSize: "ffn_dim", keyValueHeads: nil, headSize: nil, epsilon: nil,
      activation: "activation_function", theta: nil),
    defaults: ConfigDefaults(epsilon: 1e-5, activation: "relu", isTied: true),
    tensors: TensorNames(
      prefix: "model.decoder.",
      within: [
        "self_attn.o_proj": "self_attn.out_proj", "mlp.up_proj": "fc1", "mlp.down_proj": "fc2",
        "input_layernorm": "self_attn_layer_norm", "post_attention_layernorm": "final_layer_norm",
        "attention_output_norm": "self_attn_layer_norm", "mlp_output_norm": "final_layer_norm",
      ], ends: ["norm": "final_layer_norm"], positionOffset: 2),
    block: BlockSpec {
      $0.norm = .layer
      $0.biases = [.query, .key, .value, .attentionOutput, .up, .down]
      $0.rotatedSize = 0
      $0.activation = .relu
      $0.isGated = false
    },
    read: { fields, config in
      config.ends.learnedPositions = config.maximumLength
      let isBefore = fields.bool("do_layer_norm_before", or: true)
      config.block.placement = isBefore ? .before : .after
      config.ends.finalNorm = isBefore && !fields.bool("_remove_final_layer_norm", or: false)
      let width = fields.integer(
        "word_embed_proj_dim", DecoderConfig.Limits.width, or: config.hiddenSize)
      config.ends.embeddingWidth = width == config.hiddenSize ? nil : width
      if !fields.bool("enable_bias", or: true)
        || !fields.bool(
          "layer_norm_elementwise_affine", or: true)
      {
        fields.fault("\"enable_bias\" and \"layer_norm_elementwise_affine\" must be true")
      }
    },
    members: { config in
      [
        ("do_layer_norm_before", .bool(config.block.placement == .before)),
        (
          "_remove_final_layer_norm",
          .bool(config.block.placement == .before && !config.ends.finalNorm)
        ), ("word_embed_proj_dim", .integer(config.embeddingWidth)),
      ]
    },
    verified: "logits and gradients against transformers")
}
