internal import Kernels

/// The losses of one supervised position, in nats.
struct TokenLoss {
  /// Cross-entropy with the target.
  var task: Double
  /// Divergence from the teacher; 0 without one.
  var divergence = 0.0
}

extension Decoder {
  /// Losses at the positions with a target >= 0 of a stack of sequences, in order. Where `gradient`
  /// is given, the gradient w.r.t. `stream` [T, D] is added to it: of the sum of cross-entropies,
  /// or of what `distillation` makes of them and the divergences.
  func headLosses(
    _ stream: UnsafePointer<Float>, _ stack: SequenceBatch, distillation: Distillation? = nil,
    addingGradientTo gradient: UnsafeMutablePointer<Float>? = nil
  ) -> [TokenLoss] {
    func losses(of positions: ArraySlice<Int>) -> [TokenLoss] {
      headLosses(
        stream, stack, of: positions, distillation: distillation, addingGradientTo: gradient)
    }
    guard compute.denseRowsStandAlone else {
      return stack.supervisedRanges.flatMap { losses(of: stack.supervised[$0]) }
    }
    return losses(of: stack.supervised[...])
  }

  /// - Parameter positions: a part of `stack.supervised`, with its indices.
  private func headLosses(
    _ stream: UnsafePointer<Float>, _ stack: SequenceBatch, of positions: ArraySlice<Int>,
    distillation: Distillation?, addingGradientTo gradient: UnsafeMutablePointer<Float>?
  ) -> [TokenLoss] {
    let work = headWorkspace()
    var losses: [TokenLoss] = []
    losses.reserveCapacity(positions.count)
    for start in stride(from: positions.startIndex, to: positions.endIndex, by: HeadWorkspace.chunk)
    {
      let chunk = positions[start..<min(positions.endIndex, start + HeadWorkspace.chunk)]
      logits(of: chunk, stream, work)
      losses += headLosses(
        of: chunk, stack, work, distillation: distillation, gradient: gradient != nil)
      if let gradient { headGradient(chunk, work, addingTo: gradient) }
    }
    return losses
  }

  /// Losses of a chunk whose logits stand in `work`, which become their gradient where asked for.
  private func headLosses(
    of chunk: ArraySlice<Int>, _ stack: SequenceBatch, _ work: HeadWorkspace,
    distillation: Distillation?, gradient: Bool
  ) -> [TokenLoss] {
    let targets = chunk.map { stack.targets[$0] }
    let losses = work.losses.elements
    guard let distillation, let teacher = stack.teacher else {
      compute.crossEntropy(
        work.logits.pointer, targets: targets, tokens: targets.count,
        vocabulary: config.vocabularySize, cap: config.ends.logitCap, gradient: gradient,
        losses: work.losses.pointer)
      return losses[..<targets.count].map { TokenLoss(task: $0) }
    }
    compute.distill(
      work.logits.pointer, targets: targets, vocabulary: config.vocabularySize,
      cap: config.ends.logitCap, teacher: teacher, from: chunk.startIndex,
      weight: Float(distillation.weight), temperature: Float(distillation.temperature),
      gradient: gradient, losses: work.losses.pointer)
    return targets.indices.map {
      TokenLoss(task: losses[2 * $0], divergence: losses[2 * $0 + 1])
    }
  }
}
