internal import Kernels

/// A stretch of tokens that stands behind `offset` others: those that earlier pieces of its list
/// have left in a cache.
package struct SequencePiece: Sendable, Equatable {
  package var offset: Int
  package var tokens: [Int32]
  /// What is asked: how probable `token` is behind the piece's token at `place`. By places.
  package var questions: [(place: Int, token: Int32)]

  package init(offset: Int, tokens: [Int32], questions: [(place: Int, token: Int32)] = []) {
    (self.offset, self.tokens, self.questions) = (offset, tokens, questions)
  }

  package static func == (one: Self, other: Self) -> Bool {
    one.offset == other.offset && one.tokens == other.tokens
      && one.questions.elementsEqual(other.questions) { $0 == $1 }
  }
}

/// The answer to one question of a piece.
package struct TokenScore: Sendable, Equatable {
  /// ln of its probability.
  package var logProbability: Double
  /// No token is more probable.
  package var isGreedy: Bool
}

// Sequences that share beginnings, each beginning computed once: in a list of pieces that goes
// through the tree of sequences depth first, a piece writes over what its elder siblings have left
// in the cache, layer by layer, and finds its ancestors still there.
extension Decoder {
  /// Tokens of a pass: enough for the cost of unpacking weights to spread.
  package static let scoredTokens = 512

  /// The answers to all questions, piece by piece.
  ///
  /// They depend on the list alone, not on what was computed before. Leaves the cache empty.
  ///
  /// - Parameter cache: has room for the longest sequence.
  package func scores(
    _ pieces: [SequencePiece], _ cache: KeyValueCache
  ) throws(DecoderError) -> [TokenScore] {
    cache.truncate(to: 0)
    for piece in pieces {
      try config.check(piece.tokens)
      let end = piece.offset + piece.tokens.count
      guard end <= cache.capacity else { throw .cacheFull(capacity: cache.capacity) }
      try config.checkLength(end)
      let places = piece.questions.map(\.place)
      precondition(
        places == places.sorted() && places.allSatisfy { piece.tokens.indices.contains($0) },
        "questions stand behind the piece's tokens, in their order")
      if !piece.questions.isEmpty { try config.check(piece.questions.map(\.token)) }
    }
    var scores: [TokenScore] = []
    for pass in ScoredPass.cut(pieces, tokens: Self.scoredTokens) {
      scores += answers(to: pass, cache)
    }
    return scores
  }

  private func answers(to pass: ScoredPass, _ cache: KeyValueCache) -> [TokenScore] {
    let a = inferenceActivations(capacity: Self.scoredTokens)
    for part in pass.parts { begin(part, a) }
    let forward = ForwardPass(tokens: pass.tokenCount, a: a) { layer in
      for part in pass.parts {
        self.attend(
          layer, tokens: part.tokens.count, from: part.row, behind: part.offset, cache, a)
      }
    }
    for layer in 0..<config.layerCount {
      prefetcher?.prefetch(layer, next: (layer + 1) % config.layerCount)
      block(layer, forward)
    }
    return answers(pass.questions, a.residual(config.layerCount))
  }

  /// The stream and the rotation of a part's tokens.
  private func begin(_ part: ScoredPass.Part, _ a: Activations) {
    let count = part.tokens.count
    rotary.gather(
      segments: CollectionOfOne(part.row..<part.row + count), offset: part.offset, a)
    embed(
      Array(part.tokens), segments: CollectionOfOne(0..<count), offset: part.offset, a,
      into: a.residual(0) + part.row * config.hiddenSize)
  }

  private func answers(
    _ questions: [ScoredPass.Questions], _ stream: UnsafePointer<Float>
  ) -> [TokenScore] {
    let (work, vocabulary) = (headWorkspace(), config.vocabularySize)
    var scores: [TokenScore] = []
    for start in stride(from: 0, to: questions.count, by: HeadWorkspace.chunk) {
      let chunk = questions[start..<min(questions.count, start + HeadWorkspace.chunk)]
      logits(of: chunk.map(\.row), stream, work)
      compute.crossEntropy(
        work.logits.pointer, targets: chunk.map { $0.tokens[0] }, tokens: chunk.count,
        vocabulary: vocabulary, gradient: false, losses: work.losses.pointer)
      for (index, question) in chunk.enumerated() {
        for token in question.tokens {
          scores.append(
            score(
              token, work.logits.pointer + index * vocabulary, asked: question.tokens[0],
              loss: work.losses.pointer[index]))
        }
      }
    }
    return scores
  }

  /// From the loss of the token that was `asked` for in the same logits [vocabulary].
  private func score(
    _ token: Int32, _ logits: UnsafePointer<Float>, asked: Int32, loss: Double
  ) -> TokenScore {
    let own = logits[Int(token)]
    return TokenScore(
      logProbability: Double(own) - Double(logits[Int(asked)]) - loss,
      isGreedy: !(0..<config.vocabularySize).contains { logits[$0] > own })
  }
}

/// What of a list of pieces is computed at once.
struct ScoredPass {
  struct Part {
    /// Of its first token, in the pass.
    var row: Int
    var offset: Int
    var tokens: ArraySlice<Int32>
  }

  /// Those about one row.
  struct Questions {
    var row: Int
    var tokens: [Int32]
  }

  private(set) var parts: [Part] = []
  private(set) var questions: [Questions] = []
  private(set) var tokenCount = 0

  /// Passes of at most so many tokens, in the pieces' order; pieces are cut where they must be.
  static func cut(_ pieces: [SequencePiece], tokens limit: Int) -> [ScoredPass] {
    var passes = [ScoredPass()]
    for piece in pieces {
      var start = 0
      while start < piece.tokens.count {
        if passes[passes.count - 1].tokenCount == limit { passes.append(ScoredPass()) }
        let room = limit - passes[passes.count - 1].tokenCount
        let end = min(piece.tokens.count, start + room)
        passes[passes.count - 1].add(piece, start..<end)
        start = end
      }
    }
    return passes.filter { $0.tokenCount > 0 }
  }

  private mutating func add(_ piece: SequencePiece, _ range: Range<Int>) {
    parts.append(
      Part(row: tokenCount, offset: piece.offset + range.lowerBound, tokens: piece.tokens[range]))
    for question in piece.questions where range.contains(question.place) {
      let row = tokenCount + question.place - range.lowerBound
      if questions.last?.row == row {
        questions[questions.count - 1].tokens.append(question.token)
      } else {
        questions.append(Questions(row: row, tokens: [question.token]))
      }
    }
    tokenCount += range.count
  }
}
