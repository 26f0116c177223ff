internal import Kernels

/// The numbers of one sequence on its way through the decoder, for up to `capacity` tokens.
///
/// Kept for the whole sequence: the residual stream before each block and in its middle. All else
/// belongs to the block at hand and is overwritten by the next.
final class Activations {
  let capacity: Int
  private let width: Int
  private let keptLayers: Int
  private let streams: FloatBuffer
  private let middles: FloatBuffer

  let cosine, sine: FloatBuffer
  let inverseRMS1, inverseRMS2: FloatBuffer
  let norm1, norm2: FloatBuffer
  /// Outputs of the projections without bias, before rotation.
  let q, k, v: FloatBuffer
  /// What attention reads.
  let queries, keys, values: FloatBuffer
  let attended, lse: FloatBuffer
  let gate, up, hidden: FloatBuffer
  /// Any [T, D] of short life.
  let scratch: FloatBuffer

  /// `keepsAll` keeps the streams of all layers, for a backward pass.
  init(_ config: DecoderConfig, capacity: Int, keepsAll: Bool) {
    self.capacity = capacity
    width = config.hiddenSize
    keptLayers = keepsAll ? config.layerCount : 1
    func rows(_ width: Int) -> FloatBuffer { FloatBuffer(count: capacity * width) }
    streams = rows(width * (keptLayers + 1))
    middles = rows(width * keptLayers)
    let (queryWidth, keyWidth) = (
      config.headCount * config.headSize, config.keyValueHeadCount * config.headSize
    )
    cosine = rows(config.headSize / 2)
    sine = rows(config.headSize / 2)
    inverseRMS1 = rows(1)
    inverseRMS2 = rows(1)
    norm1 = rows(width)
    norm2 = rows(width)
    q = rows(queryWidth)
    k = rows(keyWidth)
    v = rows(keyWidth)
    queries = rows(queryWidth)
    keys = rows(keyWidth)
    values = config.attentionBias ? rows(keyWidth) : v
    attended = rows(queryWidth)
    lse = rows(config.headCount)
    gate = rows(config.intermediateSize)
    up = rows(config.intermediateSize)
    hidden = rows(config.intermediateSize)
    scratch = rows(width)
  }

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

  init(_ config: DecoderConfig, capacity: Int) {
    func rows(_ width: Int) -> FloatBuffer { FloatBuffer(count: capacity * width) }
    let (queryWidth, keyWidth) = (
      config.headCount * config.headSize, config.keyValueHeadCount * config.headSize
    )
    stream = rows(config.hiddenSize)
    norm = rows(config.hiddenSize)
    attended = rows(queryWidth)
    q = rows(queryWidth)
    k = rows(keyWidth)
    v = rows(keyWidth)
    heads = rows(2 * queryWidth)
    gate = rows(config.intermediateSize)
    up = rows(config.intermediateSize)
  }
}
