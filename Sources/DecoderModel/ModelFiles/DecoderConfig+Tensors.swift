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
    /// Weight [D] of a normalization.
    case norm
  }
}

extension DecoderConfig {
  package static let embeddingName = "model.embed_tokens.weight"
  package static let outputName = "lm_head.weight"
  package static let finalNormName = "model.norm.weight"

  package static func inputNormName(layer: Int) -> String {
    "model.layers.\(layer).input_layernorm.weight"
  }

  package static func postAttentionNormName(layer: Int) -> String {
    "model.layers.\(layer).post_attention_layernorm.weight"
  }

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
    func norm(_ name: String) {
      list.append(ExpectedTensor(name: name, shape: [hiddenSize], role: .norm))
    }
    for layer in 0..<layerCount {
      for kind in LinearKind.allCases {
        if kind == .query { norm(Self.inputNormName(layer: layer)) }
        if kind == .gate { norm(Self.postAttentionNormName(layer: layer)) }
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
    norm(Self.finalNormName)
    if !tiedEmbeddings {
      list.append(ExpectedTensor(name: Self.outputName, shape: matrix, role: .vocabulary))
    }
    return list
  }
}
