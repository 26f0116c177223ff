import Collectives
import DecoderModel
import Evaluation
import Foundation
import Kernels
import Testing

/// Log-likelihoods of rows that share beginnings, against each row by itself.
@Suite struct ContinuationScoreTests {
  private typealias Row = ContinuationEncoder.Row

  /// Items of several rows behind one context, rows that are the same, rows that are part of
  /// others, and rows that share nothing.
  private static func rows() -> [Row] {
    let text = TinyDecoder.tokens(400)
    var rows: [Row] = []
    for item in 0..<4 {
      let start = item * 3
      let context = Array(text[0..<14]) + Array(text[(50 + start)..<(70 + start)])
      for choice in 0..<3 {
        let end = Array(text[(100 + 7 * choice + start)..<(102 + 9 * choice + start)])
        rows.append(Row(tokens: context + end, scored: end.count))
      }
      rows.append(Row(tokens: context + [Int32(item)], scored: 1))
      rows.append(Row(tokens: context + [Int32(item + 5)], scored: 1))
    }
    rows.append(Row(tokens: Array(text[300..<302]), scored: 1))
    rows.append(Row(tokens: Array(text[300..<362]), scored: 30))
    rows.append(Row(tokens: Array(text[300..<330]), scored: 29))
    return rows
  }

  /// One prediction at a time, from the losses of whole sequences.
  private func alone(_ row: Row, _ decoder: Decoder) throws -> Double {
    var targets = [Int32](repeating: -1, count: row.tokens.count - 1)
    for place in (row.tokens.count - 1 - row.scored)..<(row.tokens.count - 1) {
      targets[place] = row.tokens[place + 1]
    }
    return -(try decoder.tokenLosses(Array(row.tokens.dropLast()), targets: targets).reduce(0, +))
  }

  /// Greedy decoding, token by token.
  private func isGreedy(_ row: Row, _ decoder: Decoder) throws -> Bool {
    let first = row.tokens.count - row.scored
    return try (first..<row.tokens.count).allSatisfy { place in
      var logits: [Float] = []
      try decoder.extend(
        Array(row.tokens[..<place]), decoder.cache(capacity: place), into: &logits)
      return logits.allSatisfy { $0 <= logits[Int(row.tokens[place])] }
    }
  }

  @Test func equalsEachRowAlone() throws {
    let decoder = TinyDecoder.make()
    let scorer = ContinuationScorer(decoder, tokenizer: TextGeneratorTests.tokenizer)
    let rows = Self.rows()
    let found = try scorer.responses(to: rows)
    #expect(found.count == rows.count)
    for (row, score) in zip(rows, found) {
      // As in ShardedLossTests: up to 30 predictions of which each is off by 2e-5 at most.
      let wanted = try alone(row, decoder)
      #expect(abs(score.logLikelihood - wanted) < 2e-5 * Double(row.scored))
      #expect(score.isGreedy == (try isGreedy(row, decoder)))
    }
    // Greedy rows are rare among random ones, so make some.
    var logits: [Float] = []
    var tokens = TinyDecoder.tokens(9, seed: 5)
    for _ in 0..<4 {
      try decoder.extend(tokens, decoder.cache(capacity: 32), into: &logits)
      tokens.append(Int32(logits.firstIndex(of: logits.max()!)!))
    }
    let greedy = Row(tokens: tokens, scored: 4)
    #expect(try scorer.responses(to: [greedy])[0].isGreedy)
  }

  /// Beginnings are computed once, and threads do not show.
  @Test func sharesBeginnings() throws {
    let rows = Self.rows()
    let tree = SequenceTree(rows)
    let all = rows.reduce(0) { $0 + $1.tokens.count - 1 }
    let computed = tree.pieces.reduce(0) { $0 + $1.tokens.count }
    #expect(computed * 2 < all, "\(computed) of \(all)")
    #expect(tree.askers.count == rows.reduce(0) { $0 + $1.scored })
    let scores = try [1, 3].map { threads in
      try ContinuationScorer(
        TinyDecoder.make(threads: threads), tokenizer: TextGeneratorTests.tokenizer
      ).responses(to: rows)
    }
    #expect(scores[0] == scores[1])
  }

  /// A list that takes several passes, with pieces that are cut: the same as in one sequence.
  @Test func longListsTakeSeveralPasses() throws {
    let decoder = TinyDecoder.make()
    let text = TinyDecoder.tokens(60)
    var pieces = [SequencePiece(offset: 0, tokens: Array(text[..<10]))]
    for _ in 0..<30 {
      pieces.append(
        SequencePiece(
          offset: 10, tokens: Array(text[10..<50]), questions: [(3, text[14]), (39, text[50])]))
    }
    let scores = try decoder.scores(pieces, decoder.cache(capacity: 64))
    #expect(scores.count == 60)
    for start in stride(from: 0, to: 60, by: 2) {
      for (one, other) in zip(scores[start..<start + 2], scores[..<2]) {
        // Rows of a product may be added up in another order where a piece is cut.
        #expect(abs(one.logProbability - other.logProbability) < 2e-5)
      }
    }
  }

  /// Where texts are cut into context and continuation, over a tokenizer of single bytes.
  @Test func rowsOfTexts() throws {
    let tokenizer = TextGeneratorTests.tokenizer
    func row(_ context: String, _ continuation: String, maximum: Int = 64) throws -> Row {
      try ContinuationEncoder(tokenizer, maximumLength: maximum)
        .row(TaskRequest(context: context, continuation: continuation), item: "own:1")
    }
    // "a" 0, "b" 1, space 4, "<|im_end|>" 5.
    #expect(try row("ab", " a") == Row(tokens: [0, 1, 4, 0], scored: 2))
    #expect(try row("ab ", "a") == Row(tokens: [0, 1, 4, 0], scored: 2))
    #expect(try row("a<|im_end|>", "b") == Row(tokens: [0, 5, 1], scored: 1))
    #expect(try row("abab", " aa", maximum: 4) == Row(tokens: [0, 1, 4, 0, 0], scored: 3))
    #expect(throws: TaskError.tooLong(item: "own:1", tokens: 3, context: 2)) {
      try row("abab", " aa", maximum: 2)
    }
    #expect(throws: TaskError.self) { try row("ab", "") }
    // Neither BOS nor EOS, behind which an empty context could be continued.
    #expect(throws: EvaluationError.noBOS) { try row("", "ab") }
  }

  @Test func errorsOfMeans() {
    let values = [1.0, 0, 1, 1, 0, 1]
    let mean = values.reduce(0, +) / 6
    let variance = values.map { pow($0 - mean, 2) }.reduce(0, +) / 5
    let found = TaskDefinition.Metric.accuracy.summary(values)
    #expect(abs(found.value - mean) < 1e-15)
    #expect(abs((found.error ?? 0) - sqrt(variance / 6)) < 1e-15)
    #expect(TaskDefinition.Metric.accuracy.summary([1]).error == nil)
    let perplexity = TaskDefinition.Metric.perplexity.summary([-1, -3])
    #expect(abs(perplexity.value - exp(2)) < 1e-12)
    // As `pooled_sample_stderr([0.2, 0.1], [10, 30])` of lm-evaluation-harness 0.4.13.
    let pooled = TaskDefinition.Metric.pooled([
      (MetricValue(value: 0.5, error: 0.2), 10), (MetricValue(value: 0.7, error: 0.1), 30),
    ])
    #expect(abs(pooled.value - 0.65) < 1e-12)
    #expect(abs((pooled.error ?? 0) - 0.0899561296586169) < 1e-12)
  }
}
