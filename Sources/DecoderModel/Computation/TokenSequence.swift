/// Tokens of one sequence and what they predict.
package struct TokenSequence: Sendable {
  package let tokens: [Int32]
  /// `targets[t]` is the token that position t predicts, -1 for none.
  package let targets: [Int32]
  /// Where samples start that do not see each other; each begins at position 0.
  package let segmentOffsets: [Int]

  package init(tokens: [Int32], targets: [Int32], segmentOffsets: [Int] = [0]) {
    self.tokens = tokens
    self.targets = targets
    self.segmentOffsets = segmentOffsets
  }
}

/// Takes the gradient of the trained numbers from `first` on, of one sequence of a pass. The memory
/// is valid during the call only.
package typealias GradientSink = (
  _ sequence: Int, _ first: Int, _ gradient: UnsafeBufferPointer<Float>
) -> Void

/// Sequences one behind another. To everything that treats each token by itself they are one row of
/// tokens; attention keeps to `segments`, and sums over tokens to `sequenceRanges`.
struct SequenceBatch {
  private(set) var tokens: [Int32] = []
  private(set) var targets: [Int32] = []
  /// Of all sequences, in places of the stack.
  private(set) var segments: [Range<Int>] = []
  /// Where each sequence lies.
  private(set) var sequenceRanges: [Range<Int>] = []

  init(_ sequences: [TokenSequence], _ config: DecoderConfig) throws(DecoderError) {
    guard !sequences.isEmpty else { throw .emptySequence }
    for sequence in sequences {
      let start = tokens.count
      for segment in try sequence.segments(config) {
        segments.append(start + segment.lowerBound..<start + segment.upperBound)
      }
      tokens += sequence.tokens
      targets += sequence.targets
      sequenceRanges.append(start..<tokens.count)
    }
  }

  /// The losses of all supervised positions, in order, as a sum for each sequence.
  func lossSums(_ losses: [Double]) -> [SequenceLossSum] {
    var rest = losses[...]
    return sequenceRanges.map { part in
      let count = targets[part].count { $0 >= 0 }
      defer { rest = rest.dropFirst(count) }
      return SequenceLossSum(loss: rest.prefix(count).reduce(0, +), tokens: count)
    }
  }
}

extension TokenSequence {
  fileprivate func segments(_ config: DecoderConfig) throws(DecoderError) -> [Range<Int>] {
    try config.check(tokens)
    guard targets.count == tokens.count else {
      throw .badTargets("\(targets.count) targets for \(tokens.count) tokens")
    }
    if let bad = targets.first(where: { Int($0) >= config.vocabularySize }) {
      throw .tokenOutOfRange(Int(bad), vocabulary: config.vocabularySize)
    }
    let starts = segmentOffsets
    let rising = zip(starts, starts.dropFirst()).allSatisfy { $0 < $1 }
    guard starts.first == 0, rising, let last = starts.last, last < tokens.count else {
      throw .badTargets("segments must start at 0 and rise below \(tokens.count)")
    }
    let segments = zip(starts, starts.dropFirst() + [tokens.count]).map { $0..<$1 }
    try config.checkLength(segments.map(\.count).max() ?? 0)
    return segments
  }
}

extension DecoderConfig {
  /// What a caller must guarantee: some tokens, all inside the vocabulary.
  func check(_ tokens: [Int32]) throws(DecoderError) {
    guard !tokens.isEmpty else { throw .emptySequence }
    if let bad = tokens.first(where: { $0 < 0 || Int($0) >= vocabularySize }) {
      throw .tokenOutOfRange(Int(bad), vocabulary: vocabularySize)
    }
  }

  /// Throws where a model with an embedding for each position has too few of them.
  func checkLength(_ length: Int) throws(DecoderError) {
    guard let positions = ends.learnedPositions, length > positions else { return }
    throw .tooLong(length, positions: positions)
  }
}
