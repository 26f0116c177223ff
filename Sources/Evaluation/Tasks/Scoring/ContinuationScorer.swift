package import DecoderModel
package import Tokenization

/// Scores continuations with a decoder, several items in one pass.
package final class ContinuationScorer {
  private let decoder: Decoder
  private let encoder: ContinuationEncoder
  private var cache: KeyValueCache?

  /// - Parameter maximumLength: positions at most, nil for the model's own.
  package init(_ decoder: Decoder, tokenizer: Tokenizer, maximumLength: Int? = nil) {
    self.decoder = decoder
    encoder = ContinuationEncoder(
      tokenizer, maximumLength: maximumLength ?? decoder.config.maximumLength)
  }

  /// The responses to all requests of some items, item by item.
  ///
  /// - Throws: `TaskError`; `EvaluationError.logitNotFinite` where the model is damaged.
  package func responses(to items: some Collection<TaskItem>) throws -> [[ChoiceScore]] {
    var rows: [ContinuationEncoder.Row] = []
    for item in items {
      for request in item.requests {
        rows.append(try encoder.row(request, item: item.document.location))
      }
    }
    var rest = try responses(to: rows)[...]
    return items.map { item in
      defer { rest = rest.dropFirst(item.requests.count) }
      return Array(rest.prefix(item.requests.count))
    }
  }

  package func responses(to rows: [ContinuationEncoder.Row]) throws -> [ChoiceScore] {
    let tree = SequenceTree(rows)
    let responses = tree.responses(
      try decoder.scores(tree.pieces, cache(capacity: tree.length)))
    if let bad = responses.firstIndex(where: { !$0.logLikelihood.isFinite }) {
      throw EvaluationError.logitNotFinite(position: rows[bad].inputCount)
    }
    return responses
  }

  /// Kept as long as it is large enough; its size does not show in results.
  private func cache(capacity: Int) -> KeyValueCache {
    if let cache, cache.capacity >= capacity { return cache }
    cache = nil
    let made = decoder.cache(capacity: max(1, (capacity + 511) / 512 * 512))
    cache = made
    return made
  }
}
