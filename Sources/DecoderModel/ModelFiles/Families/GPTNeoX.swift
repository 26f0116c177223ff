internal import JSONText
internal import Kernels

extension Family {
  /// GPT-NeoX and Pythia: two LayerNorms, both branches side by side, a rotation of a part of each
  /// head, q, k and v in one tensor head by head.
  static let gptneox = Family(
    modelType: "gpt_neox", architecture: "GPTNeoXForCausalLM", ggufArchitecture: "gptneox",
    keys: ConfigKeys(
      keyValueHeads: nil, headSize: nil, epsilon: "layer_norm_eps", theta: "rotary_emb_base",
      rotatedShare: "rotary_pct"),
    defaults: ConfigDefaults(epsilon: 1e-5, activation: "gelu", rotatedShare: 0.25),
    tensors: TensorNames(
      prefix: "gpt_neox.",
      within: [
        "self_attn.o_proj": "attention.dense", "mlp.up_proj": "mlp.dense_h_to_4h",
        "mlp.down_proj": "mlp.dense_4h_to_h",
      ], ends: ["embed_tokens": "embed_in", "norm": "final_layer_norm"], output: "embed_out",
      fused: [
        TensorNames.FusedLinears(
          name: "attention.query_key_value", kinds: [.query, .key, .value], byHead: true)
      ]),
    ggufTensors: .gguf(fused: [
      TensorNames.FusedLinears(name: "attn_qkv", kinds: [.query, .key, .value])
    ]),
    block: BlockSpec {
      $0.norm = .layer
      $0.residual = .parallel
      $0.biases = [.query, .key, .value, .attentionOutput, .up, .down]
      $0.activation = .gelu
      $0.isGated = false
    },
    read: { fields, config in
      if !fields.bool("use_parallel_residual", or: true) { config.block.residual = .sequential }
      if !fields.bool("attention_bias", or: true) {
        config.block.biases = [.up, .down]
      }
    },
    readGGUF: { fields, config, _ in
      if !fields.bool("use_parallel_residual", or: true) { config.block.residual = .sequential }
    },
    ownKeys: ["attention_bias"],
    members: { config in
      [
        ("use_parallel_residual", .bool(config.block.residual == .parallel)),
        ("attention_bias", .bool(config.block.biases.contains(.query))),
      ]
    },
    verified: "logits and gradients against transformers; GGUF against llama.cpp")
}
