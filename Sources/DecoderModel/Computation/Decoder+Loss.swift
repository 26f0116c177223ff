internal import Kernels

/// The loss of one sequence: sums, never means, so that sequences of any length add up.
package struct SequenceLossSum: Sendable, Equatable {
  /// Nats over the supervised tokens.
  package var loss: Double
  package var tokens: Int
}

extension Decoder {
  /// Losses in nats of the supervised positions of one sequence, in order.
  ///
  /// `targets[t]` is the token that position t predicts, -1 for none. `segmentOffsets` cut the
  /// sequence into samples that do not see each other and start at position 0 each.
  package func tokenLosses(
    _ tokens: [Int32], targets: [Int32], segmentOffsets: [Int] = [0]
  ) throws(DecoderError) -> [Double] {
    let stack = try SequenceBatch(
      [TokenSequence(tokens: tokens, targets: targets, segmentOffsets: segmentOffsets)], config)
    let a = inferenceActivations(capacity: tokens.count)
    forward(tokens, segments: stack.segments, a)
    return headLosses(a.residual(config.layerCount), targets, of: 0..<tokens.count)
  }

  package func loss(
    _ tokens: [Int32], targets: [Int32], segmentOffsets: [Int] = [0]
  ) throws(DecoderError) -> SequenceLossSum {
    let losses = try tokenLosses(tokens, targets: targets, segmentOffsets: segmentOffsets)
    return SequenceLossSum(loss: losses.reduce(0, +), tokens: losses.count)
  }

  /// Embeds and runs all blocks; the result stands in `a.residual(layerCount)`.
  func forward(_ tokens: [Int32], segments: [Range<Int>], _ a: Activations) {
    rotary.gather(segments: segments, a)
    embed(tokens, segments: segments, a, into: a.residual(0))
    for layer in 0..<config.layerCount {
      // A pass that keeps streams turns at the end; another one starts again.
      let next = layer + 1 < config.layerCount ? layer + 1 : a.keeping == .nothing ? 0 : layer
      prefetcher?.prefetch(layer, next: next)
      block(layer, tokens: tokens.count, segments: segments, a)
    }
  }

  func inferenceActivations(capacity: Int) -> Activations {
    if let inference, inference.capacity >= capacity { return inference }
    inference = nil
    let made = Activations(config, capacity: capacity, keeping: .nothing)
    inference = made
    return made
  }
}
