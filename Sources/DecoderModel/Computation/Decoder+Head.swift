internal import Kernels

/// Logits of a chunk of the supervised positions: never all tokens x vocabulary at once.
final class HeadWorkspace {
  /// Positions per chunk.
  static let chunk = 256
  let inputs, norms, inverseRMS, logits, gradient: FloatBuffer
  let losses: NumberBuffer<Double>

  init(_ config: DecoderConfig) {
    inputs = FloatBuffer(count: Self.chunk * config.hiddenSize)
    norms = FloatBuffer(count: Self.chunk * config.hiddenSize)
    inverseRMS = FloatBuffer(count: Self.chunk)
    logits = FloatBuffer(count: Self.chunk * config.vocabularySize)
    gradient = FloatBuffer(count: Self.chunk * config.hiddenSize)
    losses = NumberBuffer(count: Self.chunk)
  }
}

extension Decoder {
  func headWorkspace() -> HeadWorkspace {
    if let headWork { return headWork }
    let made = HeadWorkspace(config)
    headWork = made
    return made
  }

  /// Cross-entropy at the positions with a target >= 0 of a stack of sequences, in order. Where
  /// `gradient` is given, the gradient of the sum w.r.t. `stream` [T, D] is added to it.
  func headLosses(
    _ stream: UnsafePointer<Float>, _ stack: SequenceBatch,
    addingGradientTo gradient: FloatBuffer? = nil
  ) -> [Double] {
    guard compute.denseRowsStandAlone else {
      return stack.sequenceRanges.flatMap {
        headLosses(stream, stack.targets, of: $0, addingGradientTo: gradient)
      }
    }
    return headLosses(
      stream, stack.targets, of: stack.targets.indices, addingGradientTo: gradient)
  }

  func headLosses(
    _ stream: UnsafePointer<Float>, _ targets: [Int32], of part: Range<Int>,
    addingGradientTo gradient: FloatBuffer? = nil
  ) -> [Double] {
    let work = headWorkspace()
    let positions = part.filter { targets[$0] >= 0 }
    var losses: [Double] = []
    losses.reserveCapacity(positions.count)
    for start in stride(from: 0, to: positions.count, by: HeadWorkspace.chunk) {
      let chunk = positions[start..<min(positions.count, start + HeadWorkspace.chunk)]
      logits(of: chunk, stream, work)
      compute.crossEntropy(
        work.logits.pointer, targets: chunk.map { targets[$0] }, tokens: chunk.count,
        vocabulary: config.vocabularySize, gradient: gradient != nil,
        losses: work.losses.pointer)
      losses.append(contentsOf: work.losses.elements[..<chunk.count])
      if let gradient { headGradient(chunk, work, addingTo: gradient) }
    }
    return losses
  }

  /// Leaves the logits of some positions of `stream` in `work.logits` [n, vocabulary].
  func logits(
    of positions: some Collection<Int>, _ stream: UnsafePointer<Float>, _ work: HeadWorkspace
  ) {
    let (width, count) = (config.hiddenSize, positions.count)
    for (row, position) in positions.enumerated() {
      (work.inputs.pointer + row * width).update(from: stream + position * width, count: width)
    }
    let input = normalizedOperand(
      work.inputs.pointer, weights.finalNorm, work.norms, keeping: false, work.inverseRMS, count)
    compute.forward(weights.head, input, tokens: count, into: work.logits.pointer)
  }

  /// From d(logits) in `work.logits` back through head and final norm.
  private func headGradient(
    _ positions: some Collection<Int>, _ work: HeadWorkspace, addingTo gradient: FloatBuffer
  ) {
    let (width, count) = (config.hiddenSize, positions.count)
    compute.inputGradient(
      weights.head, work.logits.pointer, tokens: count, into: work.norms.pointer,
      accumulating: false)
    work.gradient.elements[..<(count * width)].update(repeating: 0)
    compute.rmsNormBackward(
      work.inputs.pointer, weight: weights.finalNorm.pointer, inverseRMS: work.inverseRMS.pointer,
      dy: work.norms.pointer, tokens: count, width: width, addingTo: work.gradient.pointer)
    compute.addRows(
      work.gradient.pointer, width: width, to: gradient.pointer, at: Array(positions))
  }
}
