internal import JSONText
internal import Kernels

extension Family {
  /// GPT-J: attention and MLP side by side behind one LayerNorm, a rotation of interleaved pairs,
  /// biases in the MLP and the output.
  static let gptj = Family(
    modelType: "gptj", architecture: "GPTJForCausalLM",
    keys: ConfigKeys(
      hiddenSize: "n_embd", intermediateSize: "n_inner", layers: "n_layer", heads: "n_head",
      keyValueHeads: nil, headSize: nil, length: "n_positions", epsilon: "layer_norm_epsilon",
      activation: "activation_function", theta: nil),
    defaults: ConfigDefaults(expansion: 4, epsilon: 1e-5, activation: "gelu_new"),
    tensors: TensorNames(
      prefix: "transformer.", layers: "h.",
      within: [
        "self_attn.q_proj": "attn.q_proj", "self_attn.k_proj": "attn.k_proj",
        "self_attn.v_proj": "attn.v_proj", "self_attn.o_proj": "attn.out_proj",
        "mlp.up_proj": "mlp.fc_in", "mlp.down_proj": "mlp.fc_out", "input_layernorm": "ln_1",
      ], ends: ["embed_tokens": "wte", "norm": "ln_f"], interleaves: true),
    block: BlockSpec {
      $0.norm = .layer
      $0.residual = .parallel
      $0.sharesNorm = true
      $0.biases = [.up, .down]
      $0.activation = .geluTanh
      $0.isGated = false
    },
    ends: EndsSpec { $0.outputBias = true },
    read: { fields, config in
      config.block.rotatedSize = fields.integer("rotary_dim", 2...max(2, config.headSize), or: 64)
    },
    members: { [("rotary_dim", .integer($0.rotatedSize))] },
    verified: "logits and gradients against transformers")
}
