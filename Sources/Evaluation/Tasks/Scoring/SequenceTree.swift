package import DecoderModel

/// Rows of tokens as pieces of which each beginning that rows share is computed once.
package struct SequenceTree {
  private let rows: [ContinuationEncoder.Row]
  /// Depth first, as `Decoder.scores` takes them.
  package private(set) var pieces: [SequencePiece] = []
  /// The rows that ask, question by question.
  package private(set) var askers: [Int] = []

  /// A shorter common stretch costs more as a piece of its own than twice in others.
  private static let leastShared = 8

  package init(_ rows: [ContinuationEncoder.Row]) {
    self.rows = rows
    add(rows.indices, from: 0)
  }

  /// Tokens of the longest row.
  var length: Int { rows.map(\.inputCount).max() ?? 0 }

  /// The answers of each row, summed: what lm-evaluation-harness calls a response.
  func responses(_ scores: [TokenScore]) -> [ChoiceScore] {
    var responses = [ChoiceScore](
      repeating: ChoiceScore(logLikelihood: 0, isGreedy: true), count: rows.count)
    for (row, score) in zip(askers, scores) {
      responses[row].logLikelihood += score.logProbability
      if !score.isGreedy { responses[row].isGreedy = false }
    }
    return responses
  }

  /// Rows that agree in their first `start` tokens; several only where they share enough from there
  /// on, or at the root.
  private mutating func add(_ range: Range<Int>, from start: Int) {
    var end = commonEnd(range, from: start)
    if range.count > 1, end - start < Self.leastShared { end = start }
    if end > start { append(range, start..<end) }
    guard range.count > 1 else { return }
    var first = range.lowerBound
    while first < range.upperBound {
      var last = first + 1
      while last < range.upperBound,
        commonEnd(first..<last + 1, from: end) - end >= Self.leastShared
      { last += 1 }
      // A row that ends here has been asked about.
      if rows[first].inputCount > end { add(first..<last, from: end) }
      first = last
    }
  }

  /// Where the inputs of rows part, or the shortest one ends.
  private func commonEnd(_ range: Range<Int>, from start: Int) -> Int {
    let first = rows[range.lowerBound]
    var end = first.inputCount
    for row in rows[range].dropFirst() {
      end = min(end, row.inputCount)
      end = (start..<end).first { row.tokens[$0] != first.tokens[$0] } ?? end
    }
    return end
  }

  private mutating func append(_ range: Range<Int>, _ stretch: Range<Int>) {
    var questions: [(place: Int, token: Int32, row: Int)] = []
    for index in range {
      let row = rows[index]
      let first = row.inputCount - row.scored
      for place in stretch.clamped(to: first..<row.inputCount) {
        questions.append((place - stretch.lowerBound, row.tokens[place + 1], index))
      }
    }
    questions.sort { ($0.place, $0.row) < ($1.place, $1.row) }
    pieces.append(
      SequencePiece(
        offset: stretch.lowerBound,
        tokens: Array(rows[range.lowerBound].tokens[stretch]),
        questions: questions.map { ($0.place, $0.token) }))
    askers += questions.map(\.row)
  }
}

/// What the model says of one continuation.
package struct ChoiceScore: Sendable, Equatable {
  /// Nats, summed over its tokens.
  package var logLikelihood: Double
  /// Greedy decoding would give it.
  package var isGreedy: Bool

  package init(logLikelihood: Double, isGreedy: Bool) {
    (self.logLikelihood, self.isGreedy) = (logLikelihood, isGreedy)
  }
}
