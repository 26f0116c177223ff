internal import Kernels

/// The numbers of one sequence on its way through the decoder, for up to `capacity` tokens.
///
/// Kept for the whole sequence: the residual stream before each block and after its attention, and
/// what `Keeping` says. All else belongs to the block at hand and is overwritten by the next.
final class Activations {
  /// How much a backward pass finds; it computes the rest again.
  enum Keeping {
    case nothing
    /// The residual streams of all blocks: 2 [T, D] a block.
    case residuals
    /// The outputs of all products as well, so that only elementwise work is done again.
    case products
  }

  /// What the products and the attention of one block have given.
  final class Products {
    /// Outputs of the projections without bias, before rotation.
    let q, k, v: FloatBuffer
    let attentionOutput, lse: FloatBuffer
    let gate, up: FloatBuffer

    init(_ config: DecoderConfig, capacity: Int) {
      func rows(_ width: Int) -> FloatBuffer { FloatBuffer(count: capacity * width) }
      q = rows(config.queryWidth)
      k = rows(config.keyWidth)
      v = rows(config.keyWidth)
      attentionOutput = rows(config.queryWidth)
      lse = rows(config.headCount)
      gate = rows(config.intermediateSize)
      up = rows(config.intermediateSize)
    }
  }

  let capacity: Int
  let keeping: Keeping
  private let width: Int
  private let keptLayers: Int
  private let products: [Products]
  /// Of the block at hand; `enter` chooses.
  private var current: Products
  private let residuals: FloatBuffer
  private let postAttentions: FloatBuffer

  let cosine, sine: FloatBuffer
  let inverseRMS1, inverseRMS2: FloatBuffer
  /// Of each head of q and k, [T, heads], where these are normalised.
  let inverseRMSQueries, inverseRMSKeys: FloatBuffer?
  let norm1, norm2: FloatBuffer
  /// What attention reads.
  let queries, keys: FloatBuffer
  private let biasedValues: FloatBuffer?
  let activated: FloatBuffer
  /// Any [T, D] of short life.
  let scratch: FloatBuffer

  init(_ config: DecoderConfig, capacity: Int, keeping: Keeping) {
    self.capacity = capacity
    self.keeping = keeping
    width = config.hiddenSize
    keptLayers = keeping == .nothing ? 1 : config.layerCount
    let first = Products(config, capacity: capacity)
    let others = keeping == .products ? config.layerCount - 1 : 0
    products = [first] + (0..<others).map { _ in Products(config, capacity: capacity) }
    current = first
    func rows(_ width: Int) -> FloatBuffer { FloatBuffer(count: capacity * width) }
    residuals = rows(width * (keptLayers + 1))
    postAttentions = rows(width * keptLayers)
    cosine = rows(config.headSize / 2)
    sine = rows(config.headSize / 2)
    inverseRMS1 = rows(1)
    inverseRMS2 = rows(1)
    inverseRMSQueries = config.queryKeyNorm ? rows(config.headCount) : nil
    inverseRMSKeys = config.queryKeyNorm ? rows(config.keyValueHeadCount) : nil
    norm1 = rows(width)
    norm2 = rows(width)
    queries = rows(config.queryWidth)
    keys = rows(config.keyWidth)
    biasedValues = config.attentionBias ? rows(config.keyWidth) : nil
    activated = rows(config.intermediateSize)
    scratch = rows(width)
  }

  /// Makes `layer` the block at hand.
  func select(layer: Int) { current = products[layer % products.count] }

  var q: FloatBuffer { current.q }
  var k: FloatBuffer { current.k }
  var v: FloatBuffer { current.v }
  var values: FloatBuffer { biasedValues ?? current.v }
  var attentionOutput: FloatBuffer { current.attentionOutput }
  var lse: FloatBuffer { current.lse }
  var gate: FloatBuffer { current.gate }
  var up: FloatBuffer { current.up }

  /// The residual stream [T, D] before block `layer` (after the last one for `layerCount`).
  func residual(_ layer: Int) -> UnsafeMutablePointer<Float> {
    residuals.pointer + layer % (keptLayers + 1) * capacity * width
  }

  /// The residual stream between attention and MLP of block `layer`.
  func postAttention(_ layer: Int) -> UnsafeMutablePointer<Float> {
    postAttentions.pointer + layer % keptLayers * capacity * width
  }
}

/// Gradients of one block, for up to `capacity` tokens.
final class BlockGradients {
  /// Of the residual stream; what is left at the end is the gradient of the embeddings.
  let residual: FloatBuffer
  let norm, attentionOutput: FloatBuffer
  let q, k, v, heads: FloatBuffer
  let gate, up: FloatBuffer

  init(_ config: DecoderConfig, _ shape: AttentionShape, capacity: Int) {
    func rows(_ width: Int) -> FloatBuffer { FloatBuffer(count: capacity * width) }
    residual = rows(config.hiddenSize)
    norm = rows(config.hiddenSize)
    attentionOutput = rows(config.queryWidth)
    q = rows(config.queryWidth)
    k = rows(config.keyWidth)
    v = rows(config.keyWidth)
    heads = FloatBuffer(count: shape.headGradientCount(tokens: capacity))
    gate = rows(config.intermediateSize)
    up = rows(config.intermediateSize)
  }
}

extension DecoderConfig {
  var attentionShape: AttentionShape {
    AttentionShape(
      heads: headCount, keyValueHeads: keyValueHeadCount, headSize: headSize,
      window: slidingWindow)
  }

  /// Floats for the gradients of keys and values of every head, before heads are added up.
  package func headGradientCount(tokens: Int) -> Int {
    attentionShape.headGradientCount(tokens: tokens)
  }
}
