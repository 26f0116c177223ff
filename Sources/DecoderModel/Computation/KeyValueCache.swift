package import Kernels

/// Keys and values of the tokens that a generation has seen, for every layer.
package final class KeyValueCache {
  package let capacity: Int
  /// Tokens held.
  package private(set) var count = 0
  private let layers: [AttentionCache]

  /// Room for `capacity` tokens: 2 * layers * capacity * keyValueHeads * headSize numbers, fp16 for
  /// bf16 products and fp32 for fp32 ones.
  package init(_ config: DecoderConfig, capacity: Int, precision: Precision) {
    self.capacity = capacity
    layers = (0..<config.layerCount).map {
      AttentionCache(
        config.attentionShape(layer: $0), capacity: capacity, precision: precision)
    }
  }

  /// Forgets all tokens but the first `count`.
  package func truncate(to count: Int) {
    precondition(count >= 0 && count <= self.count, "a cache can only be shortened")
    self.count = count
  }

  subscript(layer: Int) -> AttentionCache { layers[layer] }

  func advance(by tokens: Int) { count += tokens }
}

extension Decoder {
  /// Room for `capacity` tokens in the precision of this decoder.
  package func cache(capacity: Int) -> KeyValueCache {
    KeyValueCache(config, capacity: capacity, precision: compute.precision)
  }

  /// Runs `tokens` behind what `cache` holds; `logits` become those [vocabulary] after the last
  /// one.
  ///
  /// Up to `Compute.fewTokens` tokens cost about one reading of the weights. A failed call leaves
  /// the cache as it was. Throws where the cache is full.
  package func extend(
    _ tokens: [Int32], _ cache: KeyValueCache, into logits: inout [Float]
  ) throws(DecoderError) {
    try config.check(tokens)
    guard cache.count + tokens.count <= cache.capacity else {
      throw .cacheFull(capacity: cache.capacity)
    }
    try config.checkLength(cache.count + tokens.count)
    let (a, count) = (inferenceActivations(capacity: tokens.count), tokens.count)
    let segments = CollectionOfOne(0..<count)
    rotary.gather(segments: segments, offset: cache.count, a)
    embed(tokens, segments: segments, offset: cache.count, a, into: a.residual(0))
    let pass = ForwardPass(tokens: count, a: a, isDecoding: count <= Compute.fewTokens) {
      self.attend($0, tokens: count, behind: cache.count, cache, a)
    }
    for layer in 0..<config.layerCount {
      prefetcher?.prefetch(layer, next: (layer + 1) % config.layerCount)
      block(layer, pass)
    }
    cache.advance(by: count)
    decodeLogits(a.residual(config.layerCount) + (count - 1) * config.hiddenSize, a, into: &logits)
  }
}
