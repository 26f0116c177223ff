package import Kernels

/// The frozen tensors of a decoder, wherever they lie, and whoever keeps them mapped.
package final class DecoderWeights {
  /// [vocabulary, D].
  package let embedding: WeightMatrix
  /// [vocabulary, D]; the embedding itself where the two are tied.
  package let head: WeightMatrix
  /// [D].
  package let finalNorm: FloatBuffer
  package var layers: [Layer]
  /// Keeps the memory of the matrices alive.
  private let owner: AnyObject?

  package struct Layer {
    /// In the order of `LinearKind.allCases`.
    package var linears: [Linear]
    /// Norm weights before attention and before the MLP, each [D].
    package var inputNorm: FloatBuffer
    package var postAttentionNorm: FloatBuffer
    /// Norm weights of each head of q and k, [head size]; nil where these are not normalised.
    package var queryNorm: FloatBuffer?
    package var keyNorm: FloatBuffer?

    /// Whether queries and keys are turned by their positions.
    let isRotated: Bool

    /// `norm` reads the weights of a norm of the layer.
    package init(
      _ config: DecoderConfig, _ index: Int, linears: [Linear],
      norm: (NormKind) throws -> FloatBuffer
    ) rethrows {
      self.linears = linears
      isRotated = !config.unrotatedLayers.contains(index)
      inputNorm = try norm(.input)
      postAttentionNorm = try norm(.postAttention)
      queryNorm = config.queryKeyNorm ? try norm(.query) : nil
      keyNorm = config.queryKeyNorm ? try norm(.key) : nil
    }

    package subscript(_ kind: LinearKind) -> Linear { linears[kind.position] }
  }

  package struct Linear {
    package var matrix: WeightMatrix
    /// [O].
    package var bias: FloatBuffer?
    /// fp16 bits [O, G] as the base ships them; nil for a dense matrix.
    package let baseScales: UnsafePointer<UInt16>?

    package init(
      matrix: WeightMatrix, bias: FloatBuffer? = nil, baseScales: UnsafePointer<UInt16>? = nil
    ) {
      self.matrix = matrix
      self.bias = bias
      self.baseScales = baseScales
    }
  }

  package init(
    embedding: WeightMatrix, head: WeightMatrix, finalNorm: FloatBuffer, layers: [Layer],
    owner: AnyObject?
  ) {
    self.embedding = embedding
    self.head = head
    self.finalNorm = finalNorm
    self.layers = layers
    self.owner = owner
  }
}

extension LinearKind {
  /// Index in `allCases`.
  package var position: Int {
    switch self {
    case .query: 0
    case .key: 1
    case .value: 2
    case .attentionOutput: 3
    case .gate: 4
    case .up: 5
    case .down: 6
    }
  }
}
