import DecoderModel

extension Decoder {
  /// A pass over one sequence, its gradients put together.
  func lossAndGradient(
    _ tokens: [Int32], targets: [Int32], segmentOffsets: [Int] = [0], scales: TrainableScales,
    gradient: UnsafeMutableBufferPointer<Float>
  ) throws -> SequenceLossSum {
    let sequence = TokenSequence(tokens: tokens, targets: targets, segmentOffsets: segmentOffsets)
    return try lossesAndGradients([sequence], scales: scales) { _, first, values in
      for (i, value) in values.enumerated() { gradient[first + i] = value }
    }[0]
  }
}
