internal import Kernels

/// The numbers of one sequence on its way through the decoder, for up to `capacity` tokens.
///
/// Kept for the whole sequence: the residual stream before each block and in its middle, and what
/// `Keeping` says. All else belongs to the block at hand and is overwritten by the next.
final class Activations {
  /// How much a backward pass finds; it computes the rest again.
  enum Keeping {
    case nothing
    /// The residual streams of all blocks: 2 [T, D] a block.
    case streams
    /// The outputs of all products as well, so that only elementwise work is done again.
    case products
  }

  /// What the products and the attention of one block have given.
  final class Products {
    /// Outputs of the projections without bias, before rotation.
    let q, k, v: FloatBuffer
    let attended, lse: FloatBuffer
    let gate, up: FloatBuffer

    init(_ config: DecoderConfig, capacity: Int) {
      func rows(_ width: Int) -> FloatBuffer { FloatBuffer(count: capacity * width) }
      q = rows(config.queryWidth)
      k = rows(config.keyWidth)
      v = rows(config.keyWidth)
      attended = rows(config.queryWidth)
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
  private let streams: FloatBuffer
  private let middles: FloatBuffer

  let cosine, sine: FloatBuffer
  let inverseRMS1, inverseRMS2: FloatBuffer
  let norm1, norm2: FloatBuffer
  /// What attention reads.
  let queries, keys: FloatBuffer
  private let biasedValues: FloatBuffer?
  let hidden: FloatBuffer
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
    streams = rows(width * (keptLayers + 1))
    middles = rows(width * keptLayers)
    cosine = rows(config.headSize / 2)
    sine = rows(config.headSize / 2)
    inverseRMS1 = rows(1)
    inverseRMS2 = rows(1)
    norm1 = rows(width)
    norm2 = rows(width)
    queries = rows(config.queryWidth)
    keys = rows(config.keyWidth)
    biasedValues = config.attentionBias ? rows(config.keyWidth) : nil
    hidden = rows(config.intermediateSize)
    scratch = rows(width)
  }

  /// Makes `layer` the block at hand.
  func enter(_ layer: Int) { current = products[layer % products.count] }

  var q: FloatBuffer { current.q }
  var k: FloatBuffer { current.k }
  var v: FloatBuffer { current.v }
  var values: FloatBuffer { biasedValues ?? current.v }
  var attended: FloatBuffer { current.attended }
  var lse: FloatBuffer { current.lse }
  var gate: FloatBuffer { current.gate }
  var up: FloatBuffer { current.up }

  /// The residual stream [T, D] before block `layer` (after the last one for `layerCount`).
  func stream(_ layer: Int) -> UnsafeMutablePointer<Float> {
    streams.pointer + layer % (keptLayers + 1) * capacity * width
  }

  /// The residual stream between attention and MLP of block `layer`.
  func middle(_ layer: Int) -> UnsafeMutablePointer<Float> {
    middles.pointer + layer % keptLayers * capacity * width
  }
}

/// Gradients of one block, for up to `capacity` tokens.
final class BlockGradients {
  /// Of the residual stream; what is left at the end is the gradient of the embeddings.
  let stream: FloatBuffer
  let norm, attended: FloatBuffer
  let q, k, v, heads: FloatBuffer
  let gate, up: FloatBuffer

  init(_ config: DecoderConfig, _ shape: AttentionShape, capacity: Int) {
    func rows(_ width: Int) -> FloatBuffer { FloatBuffer(count: capacity * width) }
    stream = rows(config.hiddenSize)
    norm = rows(config.hiddenSize)
    attended = rows(config.queryWidth)
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
