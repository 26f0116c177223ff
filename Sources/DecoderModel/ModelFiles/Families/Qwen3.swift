extension Family {
  /// Qwen3 (dense): Qwen2 without biases, with norms of every head of q and k.
  static let qwen3 = Family(
    modelType: "qwen3", architecture: "Qwen3ForCausalLM", ggufArchitecture: "qwen3",
    defaultLength: 32_768, defaultKeyValueHeads: 32, defaultHeadSize: 128, queryKeyNorm: true,
    window: qwenWindow, ownMembers: qwenMembers,
    verified: "logits and gradients against transformers")
}
