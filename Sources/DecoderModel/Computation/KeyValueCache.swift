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
    layers = (0..<config.layerCount).map { _ in
      AttentionCache(config.attentionShape, capacity: capacity, precision: precision)
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
    let (a, count) = (inferenceActivations(capacity: tokens.count), tokens.count)
    rotary.gather(
      segments: CollectionOfOne(0..<count), offset: cache.count, cosine: a.cosine.pointer,
      sine: a.sine.pointer)
    embed(tokens, into: a.residual(0))
    for layer in 0..<config.layerCount {
      prefetcher?.prefetch(layer, next: (layer + 1) % config.layerCount)
      if count <= Compute.fewTokens {
        decodeBlock(layer, tokens: count, cache, a)
      } else {
        block(layer, tokens: count, a) { attend(layer, tokens: count, cache, a) }
      }
    }
    cache.advance(by: count)
    decodeLogits(a.residual(config.layerCount) + (count - 1) * config.hiddenSize, a, into: &logits)
  }

  /// Keeps the new keys and values and attends to all.
  func attend(_ index: Int, tokens: Int, _ cache: KeyValueCache, _ a: Activations) {
    compute.write(
      keys: a.keys.pointer, values: a.values.pointer, tokens: tokens, at: cache.count,
      to: cache[index])
    compute.attention(
      over: cache[index], queries: tokens, keys: cache.count + tokens, q: a.queries.pointer,
      out: a.attentionOutput.pointer)
  }
}
