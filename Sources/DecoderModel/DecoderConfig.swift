package import Kernels

/// The shape and the choices of a decoder, normalised from a Hugging Face `config.json` or GGUF
/// metadata. The decoder reads these values and knows no family by name.
package struct DecoderConfig: Sendable, Equatable {
  /// Family name as Hugging Face spells it: an entry of `Family.all`.
  package var modelType: String
  package var vocabularySize: Int
  /// Width of the residual stream (D).
  package var hiddenSize: Int
  /// Width inside the MLP (F); of one expert in a mixture.
  package var intermediateSize: Int
  package var layerCount: Int
  package var headCount: Int
  package var keyValueHeadCount: Int
  /// Width of one head; `headCount * headSize` need not equal `hiddenSize`.
  package var headSize: Int
  package var normEpsilon: Float
  package var rope: RopeConfig
  /// Longest sequence the model was trained for.
  package var maximumLength: Int
  /// The output matrix is the embedding matrix.
  package var tiedEmbeddings: Bool
  /// What all blocks are.
  package var block: BlockSpec
  /// What stands before the first block and behind the last.
  package var ends: EndsSpec
  /// A token attends to at most this many tokens, itself included (Mistral); nil for all.
  package var slidingWindow: Int?
  /// Layers that see all tokens in spite of a window, in their order (Gemma 2).
  package var globalLayers: [Int]
  /// Layers whose queries and keys are not rotated, in their order (SmolLM3).
  package var unrotatedLayers: [Int]
  /// The rotation of layers with a window, where it is another one (Gemma 3).
  package var localRope: RopeConfig?

  package init(
    modelType: String = "llama", vocabularySize: Int, hiddenSize: Int, intermediateSize: Int,
    layerCount: Int, headCount: Int, keyValueHeadCount: Int, headSize: Int,
    normEpsilon: Float = 1e-5, rope: RopeConfig = RopeConfig(), maximumLength: Int = 2048,
    tiedEmbeddings: Bool = false, block: BlockSpec = BlockSpec(), ends: EndsSpec = EndsSpec(),
    slidingWindow: Int? = nil, globalLayers: [Int] = [], unrotatedLayers: [Int] = [],
    localRope: RopeConfig? = nil
  ) {
    self.modelType = modelType
    self.vocabularySize = vocabularySize
    self.hiddenSize = hiddenSize
    self.intermediateSize = intermediateSize
    self.layerCount = layerCount
    self.headCount = headCount
    self.keyValueHeadCount = keyValueHeadCount
    self.headSize = headSize
    self.normEpsilon = normEpsilon
    self.rope = rope
    self.maximumLength = maximumLength
    self.tiedEmbeddings = tiedEmbeddings
    self.block = block
    self.ends = ends
    self.slidingWindow = slidingWindow
    self.globalLayers = globalLayers
    self.unrotatedLayers = unrotatedLayers
    self.localRope = localRope
  }
}

/// What stands before the first block and behind the last. The defaults are LLaMA's.
package struct EndsSpec: Sendable, Equatable {
  /// Embeddings are multiplied by it (Gemma).
  package var embeddingScale: Float?
  /// Width of the embeddings where it is not that of the stream: a matrix leads there and another
  /// one back (OPT-350M).
  package var embeddingWidth: Int?
  /// Every position has an embedding of its own, which is added: so many positions. Nothing
  /// rotates then.
  package var learnedPositions: Int?
  /// A norm stands behind the last block.
  package var finalNorm = true
  /// The output matrix has a bias (GPT-J).
  package var outputBias = false
  /// Logits l become cap * tanh(l / cap) (Gemma 2).
  package var logitCap: Float?

  package init() {}

  /// The defaults, changed.
  package init(_ change: (inout EndsSpec) -> Void) { change(&self) }
}

extension DecoderConfig {
  /// Numbers of all queries of a token.
  package var queryWidth: Int { headCount * headSize }
  /// Numbers of all keys of a token, and of all values.
  package var keyWidth: Int { keyValueHeadCount * headSize }
  /// Numbers of a head that turn.
  package var rotatedSize: Int { block.rotatedSize ?? headSize }
  /// Width of the embedding and output matrices.
  package var embeddingWidth: Int { ends.embeddingWidth ?? hiddenSize }

  /// Keys that a query of a layer sees at most; nil for all.
  package func window(layer: Int) -> Int? {
    globalLayers.contains(layer) ? nil : slidingWindow
  }

  /// How the heads of a layer turn; nil where they do not.
  package func rope(layer: Int) -> RopeConfig? {
    guard rotatedSize > 0, !unrotatedLayers.contains(layer) else { return nil }
    return window(layer: layer) == nil ? rope : localRope ?? rope
  }

  package func attentionShape(layer: Int) -> AttentionShape {
    AttentionShape(
      heads: headCount, keyValueHeads: keyValueHeadCount, headSize: headSize,
      window: window(layer: layer), scale: block.scoreScale, cap: block.scoreCap)
  }
}
