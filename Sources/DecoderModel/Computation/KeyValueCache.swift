internal import Kernels

/// Keys and values of the tokens that a generation has seen, for every layer.
package final class KeyValueCache {
  package let capacity: Int
  /// Tokens held.
  package private(set) var count = 0
  private let width: Int
  private let keyBuffer: FloatBuffer
  private let valueBuffer: FloatBuffer

  /// Room for `capacity` tokens: 2 * layers * capacity * keyValueHeads * headSize floats.
  package init(_ config: DecoderConfig, capacity: Int) {
    precondition(capacity > 0, "a cache has room for a token")
    self.capacity = capacity
    width = config.keyValueHeadCount * config.headSize
    keyBuffer = FloatBuffer(count: config.layerCount * capacity * width)
    valueBuffer = FloatBuffer(count: config.layerCount * capacity * width)
  }

  /// Bytes held.
  package var byteCount: Int { (keyBuffer.count + valueBuffer.count) * 4 }

  /// Forgets all tokens but the first `count`.
  package func truncate(to count: Int) {
    precondition(count >= 0 && count <= self.count, "a cache can only be shortened")
    self.count = count
  }

  func keys(_ layer: Int) -> UnsafeMutablePointer<Float> {
    keyBuffer.pointer + layer * capacity * width
  }

  func values(_ layer: Int) -> UnsafeMutablePointer<Float> {
    valueBuffer.pointer + layer * capacity * width
  }

  /// Copies the keys and values of `tokens` new tokens behind those held.
  func append(layer: Int, keys: UnsafePointer<Float>, values: UnsafePointer<Float>, tokens: Int) {
    (self.keys(layer) + count * width).update(from: keys, count: tokens * width)
    (self.values(layer) + count * width).update(from: values, count: tokens * width)
  }

  func advance(by tokens: Int) { count += tokens }
}

extension Decoder {
  /// Runs `tokens` behind what `cache` holds and returns the logits [vocabulary] after the last one.
  ///
  /// A cancelled or failed call leaves the cache as it was. Throws where the cache is full.
  package func extend(_ tokens: [Int32], _ cache: KeyValueCache) throws(DecoderError) -> [Float] {
    try config.check(tokens)
    guard cache.count + tokens.count <= cache.capacity else {
      throw .cacheFull(capacity: cache.capacity)
    }
    let a = inferenceActivations(capacity: tokens.count)
    let segments = [0..<tokens.count]
    rotary.gather(
      segments: segments, offset: cache.count, cosine: a.cosine.pointer, sine: a.sine.pointer)
    embed(tokens, into: a.stream(0))
    for layer in 0..<config.layerCount {
      stream?.enter(layer, next: (layer + 1) % config.layerCount)
      cachedBlock(layer, tokens: tokens.count, cache, a)
    }
    cache.advance(by: tokens.count)
    let work = headWorkspace()
    logits(of: [tokens.count - 1], a.stream(config.layerCount), work)
    return Array(work.logits.elements[..<config.vocabularySize])
  }

  private func cachedBlock(_ index: Int, tokens: Int, _ cache: KeyValueCache, _ a: Activations) {
    let layer = weights.layers[index]
    attentionInputs(layer, a.stream(index), tokens: tokens, a)
    cache.append(layer: index, keys: a.keys.pointer, values: a.values.pointer, tokens: tokens)
    compute.cachedAttention(
      attentionShape, queries: tokens, keys: cache.count + tokens, q: a.queries.pointer,
      k: cache.keys(index), v: cache.values(index), out: a.attended.pointer, lse: a.lse.pointer)
    closeAttention(layer, a.stream(index), tokens: tokens, a, into: a.middle(index))
    expand(layer, a.middle(index), tokens: tokens, a)
    closeMLP(layer, a.middle(index), tokens: tokens, a, into: a.stream(index + 1))
  }
}
