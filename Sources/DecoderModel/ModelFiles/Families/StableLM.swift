internal import Checkpoints
internal import JSONText
internal import Kernels

extension Family {
  /// StableLM 2: LLaMA with LayerNorm, a rotation of a quarter of each head, and, as configured,
  /// biases on q, k and v and a parallel residual.
  static let stablelm = Family(
    modelType: "stablelm", architecture: "StableLmForCausalLM", ggufArchitecture: "stablelm",
    keys: ConfigKeys(epsilon: "layer_norm_eps", rotatedShare: "partial_rotary_factor"),
    defaults: ConfigDefaults(length: 4096, keyValueHeads: 32, epsilon: 1e-5, rotatedShare: 0.25),
    block: BlockSpec { $0.norm = .layer },
    read: { fields, config in
      if fields.bool("use_qkv_bias", or: false) { config.block.biases = [.query, .key, .value] }
      if fields.bool("use_parallel_residual", or: false) {
        // One norm for both branches.
        config.block.residual = .parallel
        config.block.sharesNorm = true
      }
      if fields.bool("qk_layernorm", or: false) {
        fields.fault(
          "\"qk_layernorm\" is true: a LayerNorm of its own for each head is not supported")
      }
    },
    readGGUF: { _, config, file in
      if file.tensor(named: "blk.0.attn_q.bias") != nil {
        config.block.biases = [.query, .key, .value]
      }
      // As llama.cpp decides it.
      if file.tensor(named: "blk.0.ffn_norm.weight") == nil {
        config.block.residual = .parallel
        config.block.sharesNorm = true
      }
    },
    members: { config in
      [
        ("use_qkv_bias", .bool(config.block.biases.contains(.query))),
        ("use_parallel_residual", .bool(config.block.residual == .parallel)),
        ("qk_layernorm", false),
      ]
    },
    verified: "logits and gradients against transformers; GGUF against llama.cpp")
}
