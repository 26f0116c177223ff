/// What llama.cpp calls the tensors.
/// Source: gguf-py/gguf/tensor_mapping.py and constants.py.
enum GGUFNames {
  static let embedding = "token_embd.weight"
  static let output = "output.weight"
  static let ropeFactors = "rope_freqs.weight"

  static func name(of tensor: ExpectedTensor) -> String {
    switch tensor.role {
    case .linear(let kind, let layer): "blk.\(layer).\(linear(kind)).weight"
    case .bias(let kind, let layer): "blk.\(layer).\(linear(kind)).bias"
    case .vocabulary: tensor.name == DecoderConfig.embeddingName ? embedding : output
    case .norm(nil, _): "output_norm.weight"
    case .norm(let kind?, let layer): "blk.\(layer).\(norm(kind)).weight"
    }
  }

  private static func linear(_ kind: LinearKind) -> String {
    switch kind {
    case .query: "attn_q"
    case .key: "attn_k"
    case .value: "attn_v"
    case .attentionOutput: "attn_output"
    case .gate: "ffn_gate"
    case .up: "ffn_up"
    case .down: "ffn_down"
    }
  }

  private static func norm(_ kind: NormKind) -> String {
    switch kind {
    case .input: "attn_norm"
    case .query: "attn_q_norm"
    case .key: "attn_k_norm"
    case .postAttention: "ffn_norm"
    }
  }
}
