internal import Kernels

/// A tensor that a model of a given configuration must have.
package struct ExpectedTensor: Sendable, Equatable {
  /// Canonical name, e.g. `model.layers.0.self_attn.q_proj.weight`.
  package var name: String
  /// Outermost dimension first.
  package var shape: [Int]
  package var role: Role

  package enum Role: Sendable, Equatable {
    /// Weight [O, I] of a linear layer of a block: what gets quantized.
    case linear(LinearRole, layer: Int)
    /// Bias [O] of such a layer.
    case bias(LinearRole, layer: Int)
    /// Embedding or output matrix [vocabulary, E].
    case vocabulary
    /// Bias [vocabulary] of the output.
    case outputBias
    /// Embeddings of positions, [positions, D].
    case positions
    /// From the width of the embeddings to that of the stream, or back.
    case projection
    /// What chooses experts, [experts, D].
    case router(layer: Int)
    /// Weight [D] of a norm of the residual stream, or of one of queries or keys; nil is the norm
    /// behind the last block.
    case norm(NormKind?, layer: Int)
    /// Bias of such a norm.
    case normBias(NormKind?, layer: Int)
  }
}

extension DecoderConfig {
  package static let embeddingName = "model.embed_tokens.weight"
  package static let outputName = "lm_head.weight"
  static let outputBiasName = "lm_head.bias"
  static let positionsName = "model.embed_positions.weight"
  static let projectInName = "model.project_in.weight"
  static let projectOutName = "model.project_out.weight"
  /// Without suffix.
  static let finalNormName = "model.norm"

  static func routerName(layer: Int) -> String { "model.layers.\(layer).mlp.router.weight" }

  /// All tensors of the model, in the order in which forward meets them.
  package var expectedTensors: [ExpectedTensor] {
    var list: [ExpectedTensor] = []
    func add(_ name: String, _ shape: [Int], _ role: ExpectedTensor.Role) {
      list.append(ExpectedTensor(name: name, shape: shape, role: role))
    }
    func addNorm(_ kind: NormKind?, layer: Int) {
      let name = kind?.name(layer: layer) ?? Self.finalNormName
      add(name + ".weight", [width(of: kind)], .norm(kind, layer: layer))
      guard block.norm == .layer else { return }
      add(name + ".bias", [width(of: kind)], .normBias(kind, layer: layer))
    }
    func addLinear(_ role: LinearRole, layer: Int) {
      let (name, shape) = (role.name(layer: layer), shape(of: role.kind))
      add(name + ".weight", [shape.rows, shape.columns], .linear(role, layer: layer))
      guard block.biases.contains(role.kind) else { return }
      add(name + ".bias", [shape.rows], .bias(role, layer: layer))
    }
    let (norms, linears) = (block.norms, block.linears)
    /// Norms stand before the layer that is computed next.
    func normsStanding(before kind: LinearKind) -> [NormKind] {
      let own: [NormKind] =
        switch kind {
        case .query: [.input]
        case .attentionOutput: [.query, .key]
        case block.mlpKinds[0]: [.attentionOutput, .postAttention]
        default: []
        }
      return own.filter(norms.contains)
    }
    add(Self.embeddingName, [vocabularySize, embeddingWidth], .vocabulary)
    if let positions = ends.learnedPositions {
      add(Self.positionsName, [positions, hiddenSize], .positions)
    }
    if let width = ends.embeddingWidth {
      add(Self.projectInName, [hiddenSize, width], .projection)
    }
    for layer in 0..<layerCount {
      for role in linears {
        if role.expert ?? 0 == 0 {
          for norm in normsStanding(before: role.kind) { addNorm(norm, layer: layer) }
        }
        if let experts = block.experts, role == LinearRole(block.mlpKinds[0], expert: 0) {
          add(Self.routerName(layer: layer), [experts.count, hiddenSize], .router(layer: layer))
        }
        addLinear(role, layer: layer)
      }
      if norms.contains(.mlpOutput) { addNorm(.mlpOutput, layer: layer) }
    }
    if ends.finalNorm { addNorm(nil, layer: layerCount) }
    if let width = ends.embeddingWidth {
      add(Self.projectOutName, [width, hiddenSize], .projection)
    }
    if !tiedEmbeddings { add(Self.outputName, [vocabularySize, embeddingWidth], .vocabulary) }
    if ends.outputBias { add(Self.outputBiasName, [vocabularySize], .outputBias) }
    return list
  }
}
