internal import JSONText
internal import Kernels

extension Family {
  /// StarCoder 2: LayerNorm, biases everywhere, a plain MLP, rotated whole heads, a window.
  static let starcoder2 = Family(
    modelType: "starcoder2", architecture: "Starcoder2ForCausalLM",
    ggufArchitecture: "starcoder2",
    keys: ConfigKeys(epsilon: "norm_epsilon"),
    defaults: ConfigDefaults(
      length: 4096, keyValueHeads: 2, epsilon: 1e-5, activation: "gelu_pytorch_tanh", isTied: true),
    tensors: TensorNames(within: ["mlp.up_proj": "mlp.c_fc", "mlp.down_proj": "mlp.c_proj"]),
    block: BlockSpec {
      $0.norm = .layer
      $0.biases = [.query, .key, .value, .attentionOutput, .up, .down]
      $0.activation = .geluTanh
      $0.isGated = false
    },
    read: { fields, config in
      slidingWindow(&fields, &config, absent: nil)
      if !fields.bool("use_bias", or: true) { config.block.biases = [] }
    },
    members: { windowMember($0) + [("use_bias", .bool(!$0.block.biases.isEmpty))] },
    verified: "logits and gradients against transformers; GGUF against llama.cpp")
}
