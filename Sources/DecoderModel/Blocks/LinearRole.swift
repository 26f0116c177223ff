/// One kind of linear layer of a block, in the order in which forward meets them. An MLP without a
/// gate has `up` and `down` alone.
package enum LinearKind: String, CaseIterable, Sendable {
  case query = "self_attn.q_proj"
  case key = "self_attn.k_proj"
  case value = "self_attn.v_proj"
  case attentionOutput = "self_attn.o_proj"
  case gate = "mlp.gate_proj"
  case up = "mlp.up_proj"
  case down = "mlp.down_proj"

  /// Name without suffix, e.g. `model.layers.3.mlp.up_proj`.
  package func name(layer: Int) -> String { LinearRole(self).name(layer: layer) }
}

/// One linear layer of a block.
package struct LinearRole: Hashable, Sendable {
  package let kind: LinearKind
  /// Which of a mixture of experts; nil outside one.
  package let expert: Int?

  package init(_ kind: LinearKind, expert: Int? = nil) {
    (self.kind, self.expert) = (kind, expert)
  }

  /// Name without suffix, e.g. `model.layers.3.mlp.experts.5.up_proj`.
  package func name(layer: Int) -> String {
    guard let expert else { return "model.layers.\(layer).\(kind.rawValue)" }
    let own = kind.rawValue.dropFirst("mlp.".count)
    return "model.layers.\(layer).mlp.experts.\(expert).\(own)"
  }
}

/// One norm of a block, in the order in which forward meets them.
package enum NormKind: String, CaseIterable, Sendable {
  case input = "input_layernorm"
  case query = "self_attn.q_norm"
  case key = "self_attn.k_norm"
  /// Of attention's output, or of its sum with the stream.
  case attentionOutput = "attention_output_norm"
  /// Before the MLP; the name is LLaMA's.
  case postAttention = "post_attention_layernorm"
  /// Of the MLP's output, or of its sum with the stream.
  case mlpOutput = "mlp_output_norm"

  /// Name without suffix, e.g. `model.layers.3.input_layernorm`.
  package func name(layer: Int) -> String { "model.layers.\(layer).\(rawValue)" }
}

extension DecoderConfig {
  /// (rows O, columns I) of a linear layer; of one expert's in a mixture.
  package func shape(of kind: LinearKind) -> (rows: Int, columns: Int) {
    switch kind {
    case .query: (queryWidth, hiddenSize)
    case .key, .value: (keyWidth, hiddenSize)
    case .attentionOutput: (hiddenSize, queryWidth)
    case .gate, .up: (intermediateSize, hiddenSize)
    case .down: (hiddenSize, intermediateSize)
    }
  }

  /// How many linear layers of a kind a block has.
  package func count(of kind: LinearKind) -> Int {
    guard block.kinds.contains(kind) else { return 0 }
    return block.mlpKinds.contains(kind) ? block.experts?.count ?? 1 : 1
  }

  /// Numbers that a norm spans.
  package func width(of norm: NormKind?) -> Int {
    let heads: Int
    switch norm {
    case .query: heads = headCount
    case .key: heads = keyValueHeadCount
    default: return hiddenSize
    }
    return block.queryKeyNorm == .whole ? heads * headSize : headSize
  }
}
