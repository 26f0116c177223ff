internal import JSONText

extension Family {
  /// Mistral 7B and its kin: LLaMA with a sliding window. GGUF files call them `llama`.
  static let mistral = Family(
    modelType: "mistral", architecture: "MistralForCausalLM", ggufArchitecture: "llama",
    defaults: ConfigDefaults(length: 131_072, keyValueHeads: 8),
    ggufTensors: .gguf(interleaves: true),
    read: { slidingWindow(&$0, &$1, absent: 4096) }, members: windowMember,
    verified: "logits and gradients against transformers; GGUF files are read as llama")

  /// Mixtral: Mistral with a mixture of experts for an MLP.
  static let mixtral = Family(
    modelType: "mixtral", architecture: "MixtralForCausalLM", ggufArchitecture: "llama",
    defaults: ConfigDefaults(length: 131_072, keyValueHeads: 8, epsilon: 1e-5, theta: 1e6),
    tensors: TensorNames(within: [
      "mlp.router": "block_sparse_moe.gate",
      "mlp.experts.*.gate_proj": "block_sparse_moe.experts.*.w1",
      "mlp.experts.*.down_proj": "block_sparse_moe.experts.*.w2",
      "mlp.experts.*.up_proj": "block_sparse_moe.experts.*.w3",
    ]), ggufTensors: .gguf(interleaves: true),
    block: BlockSpec { $0.experts = BlockSpec.Experts(count: 8, perToken: 2) },
    read: { fields, config in
      slidingWindow(&fields, &config, absent: nil)
      experts(&fields, &config, count: "num_local_experts", defaults: (8, 2))
    },
    members: { config in
      windowMember(config) + expertMembers(config, count: "num_local_experts")
    },
    verified: "logits and gradients against transformers; GGUF against llama.cpp")

  /// `sliding_window`: a number, null for none, and `absent` without the key. A window as long as
  /// the longest sequence is none.
  static func slidingWindow(
    _ fields: inout ConfigFields, _ config: inout DecoderConfig, absent: Int?
  ) {
    let isNull = fields.has("sliding_window") && fields.value("sliding_window") == nil
    guard !isNull, fields.has("sliding_window") || absent != nil else { return }
    let window = fields.integer("sliding_window", DecoderConfig.Limits.length, or: absent)
    config.slidingWindow = window < config.maximumLength ? window : nil
  }

  /// The same of a GGUF file: 0 or no key for none.
  static func slidingWindowGGUF(_ fields: inout ConfigFields, _ config: inout DecoderConfig) {
    let range = 0...DecoderConfig.Limits.length.upperBound
    let window = fields.integer("attention.sliding_window", range, or: 0)
    config.slidingWindow = window > 0 && window < config.maximumLength ? window : nil
  }

  @Sendable static func windowMember(_ config: DecoderConfig) -> [(String, JSONValue)] {
    [("sliding_window", config.slidingWindow.map { .integer($0) } ?? .null)]
  }

  /// How many experts there are and how many a token takes.
  static func experts(
    _ fields: inout ConfigFields, _ config: inout DecoderConfig, count: String,
    defaults: (count: Int, perToken: Int)
  ) {
    let limits = DecoderConfig.Limits.experts
    let experts = fields.integer(count, limits, or: defaults.count)
    config.block.experts?.count = experts
    config.block.experts?.perToken = fields.integer(
      "num_experts_per_tok", 1...experts, or: min(defaults.perToken, experts))
  }

  static func expertMembers(_ config: DecoderConfig, count: String) -> [(String, JSONValue)] {
    guard let experts = config.block.experts else { return [] }
    return [(count, .integer(experts.count)), ("num_experts_per_tok", .integer(experts.perToken))]
  }
}
