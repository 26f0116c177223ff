internal import JSONText

extension Family {
  /// OLMo-2: norms of the branches' outputs alone, and of all queries and keys of a token.
  static let olmo2 = Family(
    modelType: "olmo2", architecture: "Olmo2ForCausalLM", ggufArchitecture: "olmo2",
    defaults: ConfigDefaults(epsilon: 1e-5),
    tensors: TensorNames(within: [
      "attention_output_norm": "post_attention_layernorm",
      "mlp_output_norm": "post_feedforward_layernorm",
    ]),
    block: BlockSpec {
      $0.placement = .output
      $0.queryKeyNorm = .whole
    },
    members: { _ in [("attention_bias", false)] },
    verified: "logits and gradients against transformers; GGUF against llama.cpp")
}
