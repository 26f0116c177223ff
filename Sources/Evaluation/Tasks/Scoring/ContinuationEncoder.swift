package import Tokenization

/// The tokens of a context and its continuation, as lm-evaluation-harness encodes them for decoders
/// of transformers.
///
/// Both are encoded together, and what is longer than the context by itself is the continuation;
/// white space at the context's end belongs to the continuation. Special tokens written out in the
/// text are those tokens, and texts get the BOS token that the tokenizer gives by default.
package struct ContinuationEncoder: Sendable {
  private let tokenizer: Tokenizer
  /// Positions of the model; contexts lose tokens in front.
  private let maximumLength: Int

  package init(_ tokenizer: Tokenizer, maximumLength: Int) {
    (self.tokenizer, self.maximumLength) = (tokenizer, maximumLength)
  }

  /// Tokens, of which the last `scored` are predicted.
  package struct Row: Sendable, Equatable {
    package var tokens: [Int32]
    package var scored: Int

    package init(tokens: [Int32], scored: Int) { (self.tokens, self.scored) = (tokens, scored) }

    /// What the model reads: the last token predicts nothing.
    var inputCount: Int { tokens.count - 1 }
  }

  /// - Parameter item: for messages.
  package func row(_ request: TaskRequest, item: String) throws -> Row {
    let (context, continuation) = try parts(request)
    guard !context.isEmpty, !continuation.isEmpty else {
      let part = context.isEmpty ? "context" : "continuation"
      throw TaskError.record(location: item, reason: "the \(part) has no tokens of its own")
    }
    guard continuation.count <= maximumLength else {
      throw TaskError.tooLong(item: item, tokens: continuation.count, context: maximumLength)
    }
    return Row(
      tokens: Array((context + continuation).suffix(maximumLength + 1)),
      scored: continuation.count)
  }

  private func parts(_ request: TaskRequest) throws -> (context: [Int32], rest: [Int32]) {
    let scalars = request.context.unicodeScalars
    let end = scalars.lastIndex { !Self.isSpace($0) }.map { scalars.index(after: $0) }
    let context = String(scalars[..<(end ?? scalars.startIndex)])
    let text = request.context + request.continuation
    guard !context.isEmpty else {
      let tokens = encode(text, addSpecial: false)
      guard let first = tokenizer.bosID ?? tokenizer.eosID else { throw EvaluationError.noBOS }
      return tokens.first == first
        ? (Array(tokens.prefix(1)), Array(tokens.dropFirst())) : ([first], tokens)
    }
    let alone = encode(context)
    let whole = encode(text)
    return (alone, Array(whole.dropFirst(alone.count)))
  }

  /// What Python's `str.rstrip` takes away.
  private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value)
  }

  /// The tokens of a prompt that is continued by at most `maximum` tokens.
  package func prompt(_ text: String, maximum: Int) -> [Int32] {
    let tokens = encode(text)
    return Array(tokens.suffix(max(1, maximumLength - maximum)))
  }

  /// With BOS where that is the default, and the text does not begin with it.
  private func encode(_ text: String, addSpecial: Bool = true) -> [Int32] {
    let tokens = tokenizer.encode(text, addSpecial: false, parseSpecial: true)
    guard addSpecial, let first = tokenizer.text(of: tokenizer.bosID ?? tokenizer.eosID),
      !first.isEmpty, text.utf8.starts(with: first.utf8)
    else { return addSpecial ? tokenizer.prefix + tokens : tokens }
    return tokens
  }
}
