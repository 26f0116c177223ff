internal import Kernels

/// Logits of a chunk of the supervised positions: never all tokens x vocabulary at once.
final class HeadWorkspace {
  /// Positions per chunk.
  static let chunk = 256
  let inputs, norms, statistics, logits, gradient: FloatBuffer
  /// Behind the projection to the width of the embeddings; nil where there is none.
  let projected: FloatBuffer?
  /// One for each position, two against a teacher.
  let losses: NumberBuffer<Double>

  init(_ config: DecoderConfig) {
    inputs = FloatBuffer(count: Self.chunk * config.hiddenSize)
    norms = FloatBuffer(count: Self.chunk * config.hiddenSize)
    statistics = FloatBuffer(count: Self.chunk * config.block.norm.statistics)
    projected = config.ends.embeddingWidth.map { FloatBuffer(count: Self.chunk * $0) }
    logits = FloatBuffer(count: Self.chunk * config.vocabularySize)
    gradient = FloatBuffer(count: Self.chunk * config.hiddenSize)
    losses = NumberBuffer(count: 2 * Self.chunk)
  }
}

extension Decoder {
  func headWorkspace() -> HeadWorkspace {
    if let headWork { return headWork }
    let made = HeadWorkspace(config)
    headWork = made
    return made
  }

  /// Leaves the logits of some positions of `stream` in `work.logits` [n, vocabulary].
  func logits(
    of positions: some Collection<Int>, _ stream: UnsafePointer<Float>, _ work: HeadWorkspace
  ) {
    let (width, count) = (config.hiddenSize, positions.count)
    for (row, position) in positions.enumerated() {
      (work.inputs.pointer + row * width).update(from: stream + position * width, count: width)
    }
    var input = headInput(work.inputs.pointer, count, into: work.norms.pointer, work.statistics)
    if let project = weights.ends.projectOut, let projected = work.projected {
      compute.forward(project, input, tokens: count, into: projected.pointer)
      input = compute.operand(
        projected.pointer, tokens: count, columns: config.embeddingWidth)
    }
    compute.forward(weights.ends.head, input, tokens: count, into: work.logits.pointer)
    finishLogits(work.logits.pointer, count: count)
  }

  /// The norm behind the last block, where there is one, as an operand.
  private func headInput(
    _ x: UnsafePointer<Float>, _ count: Int, into y: UnsafeMutablePointer<Float>,
    _ statistics: FloatBuffer
  ) -> Operand {
    guard let norm = weights.ends.finalNorm?.norm else {
      return compute.operand(x, tokens: count, columns: config.hiddenSize)
    }
    return compute.normalizedOperand(
      x, norm, tokens: count, for: weights.ends.projectOut ?? weights.ends.head, into: y,
      keeping: false, statistics: statistics.pointer)
  }

  /// Bias and cap of logits [n, vocabulary].
  private func finishLogits(_ logits: UnsafeMutablePointer<Float>, count: Int) {
    if let bias = weights.ends.headBias {
      compute.addBias(bias.pointer, width: bias.count, to: logits, tokens: count, into: logits)
    }
    if let cap = config.ends.logitCap {
      compute.cap(logits, at: cap, count: count * config.vocabularySize)
    }
  }

  /// From d(logits) in `work.logits` back through head, projection and final norm.
  func headGradient(
    _ positions: some Collection<Int>, _ work: HeadWorkspace,
    addingTo gradient: UnsafeMutablePointer<Float>
  ) {
    let (width, count) = (config.hiddenSize, positions.count)
    let dx = work.projected ?? work.norms
    compute.inputGradient(
      weights.ends.head, work.logits.pointer, tokens: count, into: dx.pointer,
      accumulating: false)
    if let project = weights.ends.projectOut {
      compute.inputGradient(
        project, dx.pointer, tokens: count, into: work.norms.pointer, accumulating: false)
    }
    var change = UnsafePointer(work.norms.pointer)
    if let norm = weights.ends.finalNorm?.norm {
      work.gradient.elements[..<(count * width)].update(repeating: 0)
      compute.normalizeBackward(
        work.inputs.pointer, norm, statistics: work.statistics.pointer, dy: work.norms.pointer,
        tokens: count, addingTo: work.gradient.pointer)
      change = UnsafePointer(work.gradient.pointer)
    }
    compute.addRows(change, width: width, to: gradient, at: Array(positions))
  }

  /// Logits [vocabulary] of one position of the stream.
  func decodeLogits(_ stream: UnsafePointer<Float>, _ a: Activations, into logits: inout [Float]) {
    if logits.count != config.vocabularySize {
      logits = [Float](repeating: 0, count: config.vocabularySize)
    }
    logits.withUnsafeMutableBufferPointer {
      guard let start = $0.baseAddress else { return }
      decodeLogits(stream, tokens: 1, a, into: start)
    }
  }

  /// Logits [tokens, vocabulary] of a few positions of the stream [tokens, D].
  func decodeLogits(
    _ stream: UnsafePointer<Float>, tokens: Int, _ a: Activations,
    into logits: UnsafeMutablePointer<Float>
  ) {
    let work = headWorkspace()
    var input = stream
    if let norm = weights.ends.finalNorm?.norm {
      normalize(stream, norm, tokens, into: a[.scratch], work.statistics.pointer)
      input = UnsafePointer(a[.scratch])
    }
    if let project = weights.ends.projectOut, let projected = work.projected {
      compute.decode(
        Product(project, into: projected.pointer),
        input: compute.decodeOperand(input, tokens: tokens, for: project),
        tokens: tokens)
      input = UnsafePointer(projected.pointer)
    }
    compute.decode(
      Product(weights.ends.head, into: logits),
      input: compute.decodeOperand(input, tokens: tokens, for: weights.ends.head), tokens: tokens)
    finishLogits(logits, count: tokens)
  }
}
