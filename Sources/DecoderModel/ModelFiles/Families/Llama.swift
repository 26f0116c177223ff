internal import JSONText

extension Family {
  /// LLaMA 1 to 3.x, SmolLM2 and others of the same shape.
  static let llama = Family(
    modelType: "llama", architecture: "LlamaForCausalLM", ggufArchitecture: "llama",
    ggufTensors: .gguf(interleaves: true),
    read: { fields, config in
      if fields.bool("attention_bias", or: false) {
        config.block.biases = [.query, .key, .value, .attentionOutput]
      }
    },
    ownKeys: ["attention_bias"],
    members: { [("attention_bias", .bool($0.block.biases.contains(.query)))] },
    verified: "logits and gradients against transformers; GGUF against transformers")
}
