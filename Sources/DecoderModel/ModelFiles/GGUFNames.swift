/// What llama.cpp calls the tensors.
/// Source: gguf-py/gguf/tensor_mapping.py and constants.py.
enum GGUFNames {
  static let embedding = "token_embd.weight"
  static let output = "output.weight"
  static let ropeFactors = "rope_freqs.weight"

  static func name(of tensor: ExpectedTensor) -> String {
    switch tensor.role {
    case .linear(let role, let layer): "blk.\(layer).\(linear(role.kind)).weight"
    case .bias(let role, let layer): "blk.\(layer).\(linear(role.kind)).bias"
    case .vocabulary: tensor.name == DecoderConfig.embeddingName ? embedding : output
    case .outputBias: "output.bias"
    case .positions: "position_embd.weight"
    // Of OPT's alone, which llama.cpp does not know.
    case .projection: tensor.name
    case .router(let layer): "blk.\(layer).ffn_gate_inp.weight"
    case .norm(nil, _): "output_norm.weight"
    case .normBias(nil, _): "output_norm.bias"
    case .norm(let kind?, let layer): "blk.\(layer).\(norm(kind)).weight"
    case .normBias(let kind?, let layer): "blk.\(layer).\(norm(kind)).bias"
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
    case .attentionOutput: "post_attention_norm"
    case .postAttention: "ffn_norm"
    case .mlpOutput: "post_ffw_norm"
    }
  }
}
