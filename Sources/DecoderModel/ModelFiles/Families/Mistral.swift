internal import JSONText

extension Family {
  /// Mistral 7B and its kin: LLaMA with a sliding window. GGUF files call them `llama`.
  static let mistral = Family(
    modelType: "mistral", architecture: "MistralForCausalLM", ggufArchitecture: "llama",
    interleavesRotatedRows: true, defaultLength: 131_072, defaultKeyValueHeads: 8,
    window: { slidingWindow(&$0, $2, absent: 4096) }, ownMembers: windowMember,
    verified: "logits and gradients against transformers")

  /// `sliding_window`: a number, null for none, and `absent` without the key. A window as long as
  /// the longest sequence is none.
  static func slidingWindow(_ fields: inout ConfigFields, _ length: Int, absent: Int?) -> Int? {
    let isNull = fields.has("sliding_window") && fields.value("sliding_window") == nil
    guard !isNull, fields.has("sliding_window") || absent != nil else { return nil }
    let window = fields.integer("sliding_window", DecoderConfig.Limits.length, or: absent)
    return window < length ? window : nil
  }

  @Sendable static func windowMember(_ config: DecoderConfig) -> [(String, JSONValue)] {
    [("sliding_window", config.slidingWindow.map { .integer($0) } ?? .null)]
  }
}
