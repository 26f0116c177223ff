package import Kernels

/// The frozen tensors of a decoder, wherever they lie, and whoever keeps them mapped.
package final class DecoderWeights {
  package let ends: Ends
  package var layers: [Layer]
  /// Keeps the memory of the matrices alive.
  private let owner: AnyObject?

  /// What stands before the first block and behind the last.
  package struct Ends {
    /// [vocabulary, E]; E is the width of the stream, D, where nothing projects.
    package var embedding: WeightMatrix
    /// [vocabulary, E]; the embedding itself where the two are tied.
    package var head: WeightMatrix
    /// [vocabulary].
    package var headBias: FloatBuffer?
    /// Nil where no norm stands behind the last block.
    package var finalNorm: FrozenNorm?
    /// [positions, D].
    package var positions: WeightMatrix?
    /// [D, E] and [E, D].
    package var projectIn: WeightMatrix?
    package var projectOut: WeightMatrix?

    package init(embedding: WeightMatrix, head: WeightMatrix, finalNorm: FrozenNorm? = nil) {
      (self.embedding, self.head, self.finalNorm) = (embedding, head, finalNorm)
    }
  }

  package struct Layer {
    private let block: BlockSpec
    /// In the order of `BlockSpec.linears`.
    package var linears: [Linear]
    /// By the order of `NormKind.allCases`; nil where the block has no such norm.
    private let norms: [FrozenNorm?]
    /// [experts, D]; of a mixture only.
    package let router: FloatBuffer?
    /// What attention is here.
    let attention: AttentionShape
    /// How queries and keys turn with their positions.
    let rope: RopeConfig?

    package init(
      _ config: DecoderConfig, _ index: Int, linears: [Linear], router: FloatBuffer? = nil,
      norm: (NormKind) throws -> FrozenNorm
    ) rethrows {
      block = config.block
      self.linears = linears
      self.router = router
      let present = config.block.norms
      norms = try NormKind.allCases.map { present.contains($0) ? try norm($0) : nil }
      attention = config.attentionShape(layer: index)
      rope = config.rope(layer: index)
    }

    /// In the order of `linears`.
    package var roles: [LinearRole] { block.linears }

    package subscript(_ kind: LinearKind) -> Linear { self[LinearRole(kind)] }

    package subscript(_ role: LinearRole) -> Linear {
      guard let position = block.position(of: role) else {
        preconditionFailure("a block without \(role)")
      }
      return linears[position]
    }

    package func norm(_ kind: NormKind) -> Norm? {
      NormKind.allCases.firstIndex(of: kind).flatMap { norms[$0]?.norm }
    }
  }

  package struct Linear {
    package var matrix: WeightMatrix
    /// [O].
    package var bias: FloatBuffer?
    /// Scales as the base ships them; nil for a dense matrix.
    package let base: ShippedScales?

    package init(
      matrix: WeightMatrix, bias: FloatBuffer? = nil, base: ShippedScales? = nil
    ) {
      self.matrix = matrix
      self.bias = bias
      self.base = base
    }
  }

  /// A norm with the memory that holds its weights.
  package struct FrozenNorm {
    private let weight: FloatBuffer
    private let bias: FloatBuffer?
    private let kind: Norm.Kind
    private let epsilon: Float

    package init(_ config: DecoderConfig, weight: FloatBuffer, bias: FloatBuffer? = nil) {
      (self.weight, self.bias) = (weight, bias)
      (kind, epsilon) = (config.block.norm, config.normEpsilon)
    }

    package var norm: Norm {
      Norm(
        kind, width: weight.count, epsilon: epsilon, weight: weight.pointer,
        bias: bias.map { UnsafePointer($0.pointer) })
    }
  }

  package init(ends: Ends, layers: [Layer], owner: AnyObject?) {
    self.ends = ends
    self.layers = layers
    self.owner = owner
  }
}

/// Where a decoder's weights come from: tensors by canonical name.
protocol WeightSource {
  func linear(_ role: LinearRole, layer: Int) throws -> DecoderWeights.Linear
  func matrix(_ name: String) throws -> WeightMatrix
  func vector(_ name: String) throws -> FloatBuffer
}

extension DecoderWeights {
  /// All weights of a model.
  convenience init(
    _ config: DecoderConfig, from source: some WeightSource, owner: AnyObject?
  ) throws {
    func norm(_ name: String) throws -> FrozenNorm {
      FrozenNorm(
        config, weight: try source.vector(name + ".weight"),
        bias: config.block.norm == .layer ? try source.vector(name + ".bias") : nil)
    }
    let embedding = try source.matrix(DecoderConfig.embeddingName)
    let head = config.tiedEmbeddings ? embedding : try source.matrix(DecoderConfig.outputName)
    var ends = Ends(embedding: embedding, head: head)
    if config.ends.finalNorm { ends.finalNorm = try norm(DecoderConfig.finalNormName) }
    if config.ends.outputBias { ends.headBias = try source.vector(DecoderConfig.outputBiasName) }
    if config.ends.learnedPositions != nil {
      ends.positions = try source.matrix(DecoderConfig.positionsName)
    }
    if config.ends.embeddingWidth != nil {
      ends.projectIn = try source.matrix(DecoderConfig.projectInName)
      ends.projectOut = try source.matrix(DecoderConfig.projectOutName)
    }
    let layers = try (0..<config.layerCount).map { index in
      try Layer(
        config, index,
        linears: config.block.linears.map { try source.linear($0, layer: index) },
        router: config.block.experts == nil
          ? nil : try source.vector(DecoderConfig.routerName(layer: index))
      ) { try norm($0.name(layer: index)) }
    }
    self.init(ends: ends, layers: layers, owner: owner)
  }
}
