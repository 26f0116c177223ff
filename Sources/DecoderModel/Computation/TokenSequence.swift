internal import Kernels

/// Tokens of one sequence and what they predict.
package struct TokenSequence: Sendable {
  package let tokens: [Int32]
  /// `targets[t]` is the token that position t predicts, -1 for none.
  package let targets: [Int32]
  /// Where samples start that do not see each other; each begins at position 0.
  package let segmentOffsets: [Int]
  /// Of the positions that predict something, in order; nil where there is no teacher.
  package let teacher: TeacherTargets?

  package init(
    tokens: [Int32], targets: [Int32], segmentOffsets: [Int] = [0], teacher: TeacherTargets? = nil
  ) {
    self.tokens = tokens
    self.targets = targets
    self.segmentOffsets = segmentOffsets
    self.teacher = teacher
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
  /// Places with a target, in order.
  private(set) var supervised: [Int] = []
  /// Which of them belong to each sequence.
  private(set) var supervisedRanges: [Range<Int>] = []
  /// Of all supervised places; nil where a sequence has no teacher.
  private(set) var teacher: TeacherProbabilities?
  /// Of each sequence.
  private(set) var streams: [TeacherStreams?] = []

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
      let first = supervised.count
      supervised += (start..<tokens.count).filter { targets[$0] >= 0 }
      supervisedRanges.append(first..<supervised.count)
    }
    try takeTeachers(of: sequences, config)
  }

  /// The teacher of the stack, where every sequence has one.
  private mutating func takeTeachers(
    of sequences: [TokenSequence], _ config: DecoderConfig
  ) throws(DecoderError) {
    streams = sequences.map { $0.teacher?.streams }
    guard let first = sequences.first?.teacher else { return }
    var all = TeacherProbabilities(count: first.probabilities.count)
    for (sequence, range) in zip(sequences, supervisedRanges) {
      guard let teacher = sequence.teacher else { return }
      let fault = teacher.fault(positions: range.count, config)
      if let fault { throw .badTargets("what the teacher says of them: \(fault)") }
      guard teacher.probabilities.count == all.count else {
        throw .badTargets("the teacher names more tokens in one sequence than in another")
      }
      all.append(teacher.probabilities)
    }
    teacher = all
  }

  /// The losses of all supervised positions, in order, as a sum for each sequence.
  func lossSums(_ losses: [TokenLoss]) -> [SequenceLossSum] {
    supervisedRanges.map { range in
      SequenceLossSum(loss: losses[range].reduce(0) { $0 + $1.task }, tokens: range.count)
    }
  }

  /// The same against a teacher, with what the streams add at each position.
  func lossSums(
    _ losses: [TokenLoss], hidden: [Double], _ distillation: Distillation
  ) -> [SequenceLossSum] {
    supervisedRanges.map { range in
      var sum = SequenceLossSum(loss: 0, tokens: range.count, parts: LossParts())
      for place in range {
        let parts = LossParts(
          task: losses[place].task, divergence: losses[place].divergence, hidden: hidden[place])
        sum.loss += distillation.loss(parts)
        sum.parts? += parts
      }
      return sum
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
