internal import JSONText

extension Family {
  /// LLaMA 1 to 3.x, SmolLM2 and others of the same shape.
  static let llama = Family(
    modelType: "llama", architecture: "LlamaForCausalLM", ggufArchitecture: "llama",
    interleavesRotatedRows: true, ownMembers: { _ in [("attention_bias", false)] },
    verified: "logits and gradients against transformers; GGUF against transformers")
}
