import DecoderModel
import Kernels
import Testing

/// Sequences that share a pass give the bits that each gives alone.
@Suite struct StackedSequencesTests {
  /// Of unequal and odd lengths, one of two segments, one with few targets, one of one token.
  private func sequences(_ golden: Golden) throws -> [TokenSequence] {
    let (single, packed) = (try golden.sequence("single"), try golden.sequence("packed"))
    let short = single.ids.prefix(7)
    return [
      TokenSequence(
        tokens: packed.ids, targets: packed.targets, segmentOffsets: packed.starts),
      TokenSequence(
        tokens: Array(short), targets: short.indices.map { $0 < 5 ? -1 : single.targets[$0] }),
      TokenSequence(tokens: single.ids, targets: single.targets),
      // Most experts of a mixture get nothing of it.
      TokenSequence(tokens: [single.ids[3]], targets: [single.targets[3]]),
    ]
  }

  private struct Outcome: Equatable {
    var losses: [SequenceLossSum] = []
    /// Bits by sequence.
    var gradients: [[UInt32]] = []
    /// How often each number of each sequence came.
    var visits: [[Int]] = []
  }

  private func pass(
    _ sequences: [TokenSequence], _ decoder: Decoder, _ granularity: ScaleGranularity
  ) throws -> Outcome {
    let scales = TrainableScales(
      weights: decoder.weights, granularity: granularity, parametrization: .relative)
    decoder.use(scales.task)
    var outcome = Outcome()
    outcome.gradients = Array(
      repeating: Array(repeating: 0, count: scales.count), count: sequences.count)
    outcome.visits = Array(
      repeating: Array(repeating: 0, count: scales.count), count: sequences.count)
    outcome.losses = try decoder.lossesAndGradients(sequences, scales: scales) {
      sequence, first, values in
      for (i, value) in values.enumerated() {
        outcome.gradients[sequence][first + i] = value.bitPattern
        outcome.visits[sequence][first + i] += 1
      }
    }
    return outcome
  }

  /// Every base with every granularity, the precisions by turns.
  @Test(arguments: goldenBases)
  func stackingChangesNoBit(_ name: String) throws {
    let golden = try Golden(name)
    let sequences = try sequences(golden)
    let first = try #require(goldenBases.firstIndex(of: name))
    let count = Precision.allCases.count
    for (index, granularity) in [ScaleGranularity.row, .group].enumerated() {
      let turn = Precision.allCases[(first + index) % count]
      try stack(golden, sequences, granularity, turn)
      if index == first % 2 {
        try stack(golden, sequences, granularity, turn, multipliesIntegers: true)
      }
      guard name.hasPrefix("mixtral") || name.hasPrefix("qwen3_moe") else { continue }
      try stack(golden, sequences, granularity, Precision.allCases[(first + index + 1) % count])
    }
  }

  private func stack(
    _ golden: Golden, _ sequences: [TokenSequence], _ granularity: ScaleGranularity,
    _ precision: Precision, multipliesIntegers: Bool = false
  ) throws {
    let decoder = try makeDecoder(
      golden.directory, precision, multipliesIntegers: multipliesIntegers)
    var alone = Outcome()
    for sequence in sequences {
      let one = try pass([sequence], decoder, granularity)
      alone.losses += one.losses
      alone.gradients += one.gradients
      alone.visits += one.visits
    }
    #expect(alone.visits.allSatisfy { $0.allSatisfy { $0 == 1 } })
    #expect(Set(alone.gradients).count == sequences.count)
    for cut in [[0..<4], [0..<2, 2..<4], [0..<1, 1..<4]] {
      var stacked = Outcome()
      for range in cut {
        let one = try pass(Array(sequences[range]), decoder, granularity)
        stacked.losses += one.losses
        stacked.gradients += one.gradients
        stacked.visits += one.visits
      }
      #expect(
        stacked == alone, "\(granularity) \(precision) \(cut)\(multipliesIntegers ? " int8" : "")")
    }
  }

  @Test func badSequencesAreRefused() throws {
    let decoder = try makeDecoder(try Golden("llama_4bit_row").directory)
    #expect(throws: DecoderError.self) { try pass([], decoder, .row) }
    let good = TokenSequence(tokens: [1, 2], targets: [2, -1])
    let bad = TokenSequence(tokens: [1, 2], targets: [2])
    #expect(throws: DecoderError.self) { try pass([good, bad], decoder, .row) }
  }
}
