package import DecoderModel

/// A model that continues a sequence and remembers what it has read.
package protocol NextTokenModel: AnyObject {
  /// Most tokens it can remember.
  var contextLength: Int { get }
  /// Tokens it remembers now.
  var tokens: [Int32] { get }
  /// Forgets all tokens but the first `count`.
  func truncate(to count: Int)
  /// Reads `tokens` behind those it remembers; `logits` become those [vocabulary] after the last
  /// one.
  func read(_ tokens: [Int32], into logits: inout [Float]) throws
}

/// A decoder with its key-value cache.
package final class CachedDecoder: NextTokenModel {
  private let decoder: Decoder
  private let cache: KeyValueCache
  package private(set) var tokens: [Int32] = []

  /// `contextLength` nil takes all that the model was trained for. Memory that is never reached is
  /// never touched.
  package init(_ decoder: Decoder, contextLength: Int? = nil) {
    self.decoder = decoder
    cache = decoder.cache(capacity: max(1, contextLength ?? decoder.config.maximumLength))
  }

  package var contextLength: Int { cache.capacity }

  package func truncate(to count: Int) {
    cache.truncate(to: count)
    tokens.removeLast(tokens.count - count)
  }

  package func read(_ tokens: [Int32], into logits: inout [Float]) throws {
    try decoder.extend(tokens, cache, into: &logits)
    self.tokens += tokens
  }

  /// Switches the task. What is remembered was computed by the old one, so it is forgotten.
  package func use(_ task: AdapterScales?) {
    decoder.use(task)
    truncate(to: 0)
  }
}
