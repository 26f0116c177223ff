/// A tensor that a model of a given configuration must have.
package struct ExpectedTensor: Sendable, Equatable {
  /// Canonical name, e.g. `model.layers.0.self_attn.q_proj.weight`.
  package var name: String
  /// Outermost dimension first.
  package var shape: [Int]
  package var role: Role

  package enum Role: Sendable, Equatable {
    /// Weight [O, I] of a linear layer of a block: what gets quantized.
    case linear(LinearKind, layer: Int)
    /// Bias [O] of such a layer.
    case bias(LinearKind, layer: Int)
    /// Embedding or output matrix [vocabulary, D].
    case vocabulary
    /// Weight [D] of a norm of the residual stream, or [head size] of one of queries or keys; nil
    /// is the norm behind the last block.
    case norm(NormKind?, layer: Int)
  }
}

/// One norm of a block, in the order in which forward meets them.
package enum NormKind: String, CaseIterable, Sendable {
  case input = "input_layernorm"
  case query = "self_attn.q_norm"
  case key = "self_attn.k_norm"
  case postAttention = "post_attention_layernorm"

  /// Name of its weight, e.g. `model.layers.3.input_layernorm.weight`.
  package func name(layer: Int) -> String { "model.layers.\(layer).\(rawValue).weight" }
}

extension DecoderConfig {
  package static let embeddingName = "model.embed_tokens.weight"
  package static let outputName = "lm_head.weight"
  package static let finalNormName = "model.norm.weight"

  /// Whether a linear layer has a bias.
  package func hasBias(_ kind: LinearKind) -> Bool {
    switch kind {
    case .query, .key, .value: attentionBias
    case .attentionOutput, .gate, .up, .down: false
    }
  }

  /// All tensors of the model, in the order in which forward meets them.
  package var expectedTensors: [ExpectedTensor] {
    let matrix = [vocabularySize, hiddenSize]
    var list = [ExpectedTensor(name: Self.embeddingName, shape: matrix, role: .vocabulary)]
    func norm(_ kind: NormKind, _ layer: Int) {
      let width = kind == .query || kind == .key ? headSize : hiddenSize
      list.append(
        ExpectedTensor(
          name: kind.name(layer: layer), shape: [width], role: .norm(kind, layer: layer)))
    }
    for layer in 0..<layerCount {
      for kind in LinearKind.allCases {
        if kind == .query { norm(.input, layer) }
        if kind == .attentionOutput, queryKeyNorm {
          norm(.query, layer)
          norm(.key, layer)
        }
        if kind == .gate { norm(.postAttention, layer) }
        let (name, shape) = (kind.name(layer: layer), shape(of: kind))
        list.append(
          ExpectedTensor(
            name: name + ".weight", shape: [shape.rows, shape.columns],
            role: .linear(kind, layer: layer)))
        if hasBias(kind) {
          list.append(
            ExpectedTensor(
              name: name + ".bias", shape: [shape.rows], role: .bias(kind, layer: layer)))
        }
      }
    }
    list.append(
      ExpectedTensor(
        name: Self.finalNormName, shape: [hiddenSize], role: .norm(nil, layer: layerCount)))
    if !tiedEmbeddings {
      list.append(ExpectedTensor(name: Self.outputName, shape: matrix, role: .vocabulary))
    }
    return list
  }
}
