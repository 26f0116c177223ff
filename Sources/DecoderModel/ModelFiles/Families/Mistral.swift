internal import JSONText

extension Family {
  /// Mistral 7B and its kin: LLaMA with a sliding window. GGUF files call them `llama`.
  static let mistral = Family(
    modelType: "mistral", architecture: "MistralForCausalLM", ggufArchitecture: "llama",
    interleavesRotatedRows: true, defaultLength: 131_072, defaultKeyValueHeads: 8,
    window: { fields, _, length in
      // A number, null for none, 4096 where the key is absent.
      guard fields.value("sliding_window") != nil || !fields.has("sliding_window") else {
        return nil
      }
      let window = fields.integer("sliding_window", DecoderConfig.Limits.length, or: 4096)
      return window < length ? window : nil
    },
    ownMembers: { [("sliding_window", $0.slidingWindow.map { .integer($0) } ?? .null)] },
    verified: "logits and gradients against transformers")
}
