package import Tokenization

extension [TaskSet] {
  /// Tokens whose keys and values an evaluation keeps at most, by the longest texts of each task.
  ///
  /// - Throws: `TaskError`, where the longest text is none that can be evaluated.
  package func cachedTokens(_ tokenizer: Tokenizer, maximumLength: Int) throws -> Int {
    let encoder = ContinuationEncoder(tokenizer, maximumLength: maximumLength)
    var (scored, generated) = (0, 0)
    for set in self {
      guard let (item, request) = set.longest else { continue }
      if set.definition.kind == .generation {
        let maximum = set.definition.generation.maximum
        let tokens = encoder.prompt(request.context, maximum: maximum).count + maximum
        generated = Swift.max(generated, TaskUnits.generated * Swift.min(maximumLength, tokens))
      } else {
        scored = Swift.max(
          scored, try encoder.row(request, item: item.document.location).inputCount)
      }
    }
    // The cache of scores is kept; those of generated texts come beside it.
    return scored + generated
  }
}

extension TaskSet {
  /// The request with most bytes.
  fileprivate var longest: (item: TaskItem, request: TaskRequest)? {
    parts.lazy.flatMap(\.items).flatMap { item in item.requests.lazy.map { (item, $0) } }
      .max { $0.1.byteCount < $1.1.byteCount }
  }
}

extension TaskRequest {
  fileprivate var byteCount: Int { context.utf8.count + continuation.utf8.count }
}
