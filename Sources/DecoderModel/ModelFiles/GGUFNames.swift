/// What llama.cpp calls the tensors, and how it orders the rows of q and k.
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

/// Where row r of a tensor in canonical order lies in the file.
///
/// llama.cpp's conversion of `llama` models interleaves the two halves of every head of q and k:
/// the rotate-half pair (j, j + h/2) becomes (2j, 2j+1).
/// Source: convert_hf_to_gguf.py, LlamaModel.permute.
package struct RowOrder: Sendable, Equatable {
  /// Rows of a head; nil for rows in their own order.
  package var headSize: Int?

  package func storedRow(_ row: Int) -> Int {
    guard let headSize else { return row }
    let (head, within) = row.quotientAndRemainder(dividingBy: headSize)
    let half = headSize / 2
    return head * headSize + within % half * 2 + within / half
  }
}
