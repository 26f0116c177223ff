internal import Kernels

/// The loss of one sequence: sums, never means, so that sequences of any length add up.
package struct SequenceLossSum: Sendable, Equatable {
  /// Nats over the supervised tokens.
  package var loss: Double
  package var tokens: Int
  /// What the loss is made of where a model learns from a teacher.
  package var parts: LossParts?

  package init(loss: Double, tokens: Int, parts: LossParts? = nil) {
    (self.loss, self.tokens, self.parts) = (loss, tokens, parts)
  }
}

/// Parts of the loss against a teacher, each by itself and without its weight.
package struct LossParts: Sendable, Equatable {
  /// Cross-entropy with the targets, in nats.
  package var task = 0.0
  /// Divergence of the teacher's distribution from the model's, in nats, at the temperature.
  package var divergence = 0.0
  /// Difference of the streams behind the blocks from the teacher's, see `Distillation`.
  package var hidden = 0.0

  package init(task: Double = 0, divergence: Double = 0, hidden: Double = 0) {
    (self.task, self.divergence, self.hidden) = (task, divergence, hidden)
  }

  package static func += (sum: inout LossParts, other: LossParts) {
    sum.task += other.task
    sum.divergence += other.divergence
    sum.hidden += other.hidden
  }
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
    return headLosses(a.residual(config.layerCount), stack).map(\.task)
  }

  package func loss(
    _ tokens: [Int32], targets: [Int32], segmentOffsets: [Int] = [0]
  ) throws(DecoderError) -> SequenceLossSum {
    let losses = try tokenLosses(tokens, targets: targets, segmentOffsets: segmentOffsets)
    return SequenceLossSum(loss: losses.reduce(0, +), tokens: losses.count)
  }

  /// Embeds and runs all blocks; the result stands in `a.residual(layerCount)`. `after` is told of
  /// each block that is done.
  func forward(
    _ tokens: [Int32], segments: [Range<Int>], _ a: Activations, after: (Int) -> Void = { _ in }
  ) {
    rotary.gather(segments: segments, a)
    embed(tokens, segments: segments, a, into: a.residual(0))
    for layer in 0..<config.layerCount {
      // A pass that keeps streams turns at the end; another one starts again.
      let next = layer + 1 < config.layerCount ? layer + 1 : a.keeping == .nothing ? 0 : layer
      prefetcher?.prefetch(layer, next: next)
      block(layer, tokens: tokens.count, segments: segments, a)
      after(layer)
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
