internal import Kernels

// The backward pass: gradients of scales only. No weight gradient is ever formed for scales per row:
// the gradient of a row's scale comes from its output, and the outputs of the two projections that
// end a branch are differences of residual streams, so they are neither stored nor recomputed.
extension Decoder {
  /// One pass over several sequences: each block is read once for all of them.
  ///
  /// `sink` gets d(sum of token losses)/d(masters) of each sequence by itself, one matrix at a time,
  /// from the last block to the first; every trained number of every sequence once. The bits are
  /// those of a pass over the sequence alone. The decoder must be using `scales.task`.
  package func lossesAndGradients(
    _ sequences: [TokenSequence], scales: TrainableScales, to sink: GradientSink
  ) throws(DecoderError) -> [SequenceLossSum] {
    guard scales.count > 0 else { throw .badTargets("no trained scales") }
    let stack = try SequenceStack(sequences, config)
    let (a, g) = trainingBuffers(capacity: stack.tokens.count)
    forward(stack.tokens, segments: stack.segments, a)
    g.stream.elements[..<(stack.tokens.count * config.hiddenSize)].update(repeating: 0)
    let sums = stack.parts.map { part in
      let losses = headLosses(
        a.stream(config.layerCount), targets: stack.targets, of: part, addingGradientTo: g.stream)
      return SequenceLossSum(loss: losses.reduce(0, +), tokens: losses.count)
    }
    let piece = gradientPiece(count: scales.task.entries.map(\.range.count).max() ?? 0)
    withoutActuallyEscaping(sink) { sink in
      for layer in (0..<config.layerCount).reversed() {
        stream?.enter(layer, next: max(0, layer - 1))
        let pass = BlockPass(
          layer: layer, stack: stack, a: a, g: g, scales: scales, piece: piece, sink: sink,
          reachesInput: layer > 0)
        recompute(pass)
        backwardMLP(pass)
        backwardAttention(pass)
      }
    }
    return sums
  }

  func gradientPiece(count: Int) -> FloatBuffer {
    if let held = scaleGradients, held.count >= count { return held }
    let made = FloatBuffer(count: count)
    scaleGradients = made
    return made
  }

  func trainingBuffers(capacity: Int) -> (Activations, BlockGradients) {
    let keeping: Activations.Keeping = recomputesProducts ? .streams : .products
    if let training, training.activations.capacity >= capacity,
      training.activations.keeping == keeping
    {
      return training
    }
    training = nil
    let made = (
      Activations(config, capacity: capacity, keeping: keeping),
      BlockGradients(config, capacity: capacity)
    )
    training = made
    return made
  }

  /// What one block's backward pass works on.
  struct BlockPass {
    let layer: Int
    let stack: SequenceStack
    let a: Activations
    let g: BlockGradients
    let scales: TrainableScales
    /// Room for the scale gradients of one matrix of one sequence.
    let piece: FloatBuffer
    let sink: GradientSink
    /// Nothing trained stands before the first block of a model.
    var reachesInput: Bool

    var tokens: Int { stack.tokens.count }
    var segments: [Range<Int>] { stack.segments }
  }

  /// The block's activations again, bit for bit: without the two products whose outputs are kept as
  /// streams, and without any where their outputs are kept.
  func recompute(_ pass: BlockPass) {
    let (a, layer, tokens) = (pass.a, weights.layers[pass.layer], pass.tokens)
    a.enter(pass.layer)
    if a.keeping == .products {
      normalizeInput(layer, a.stream(pass.layer), tokens: tokens, a)
      rotateInputs(layer, tokens: tokens, a)
      normalizeMiddle(layer, a.middle(pass.layer), tokens: tokens, a)
      activate(tokens: tokens, a)
    } else {
      attentionInputs(layer, a.stream(pass.layer), tokens: tokens, a)
      attend(tokens: tokens, segments: pass.segments, a)
      expand(layer, a.middle(pass.layer), tokens: tokens, a)
    }
  }

  /// g.stream: from the gradient after the block to that in its middle.
  func backwardMLP(_ pass: BlockPass) {
    let (a, g, tokens) = (pass.a, pass.g, pass.tokens)
    let layer = weights.layers[pass.layer]
    let (middle, count) = (a.middle(pass.layer), tokens * config.intermediateSize)
    branchGradient(.down, pass, input: a.hidden, from: middle, to: a.stream(pass.layer + 1))
    compute.inputGradient(
      layer[.down].matrix, g.stream.pointer, tokens: tokens, into: g.gate.pointer,
      accumulating: false)
    compute.swiGLUBackward(
      gate: a.gate.pointer, up: a.up.pointer, dh: g.gate.pointer, count: count,
      dgate: g.gate.pointer, dup: g.up.pointer)
    scaleGradient(.gate, pass, dy: g.gate, y: a.gate.pointer, input: a.norm2)
    scaleGradient(.up, pass, dy: g.up, y: a.up.pointer, input: a.norm2)
    backwardNorm(
      [(.gate, g.gate), (.up, g.up)], pass, middle, layer.postAttentionNorm, a.inverseRMS2)
  }

  /// g.stream: from the gradient in the middle of the block to that before it.
  func backwardAttention(_ pass: BlockPass) {
    let (a, g, tokens) = (pass.a, pass.g, pass.tokens)
    let (layer, x) = (weights.layers[pass.layer], a.stream(pass.layer))
    branchGradient(.attentionOutput, pass, input: a.attended, from: x, to: a.middle(pass.layer))
    compute.inputGradient(
      layer[.attentionOutput].matrix, g.stream.pointer, tokens: tokens, into: g.attended.pointer,
      accumulating: false)
    compute.attentionBackward(
      attentionShape, segments: pass.segments, q: a.queries.pointer, k: a.keys.pointer,
      v: a.values.pointer, tokens: tokens, out: a.attended.pointer, lse: a.lse.pointer,
      dout: g.attended.pointer, dq: g.q.pointer, dk: g.k.pointer, dv: g.v.pointer,
      headGradients: g.heads.pointer)
    rotateBack(g.q, heads: config.headCount, pass)
    rotateBack(g.k, heads: config.keyValueHeadCount, pass)
    scaleGradient(.query, pass, dy: g.q, y: a.q.pointer, input: a.norm1)
    scaleGradient(.key, pass, dy: g.k, y: a.k.pointer, input: a.norm1)
    scaleGradient(.value, pass, dy: g.v, y: a.v.pointer, input: a.norm1)
    guard pass.reachesInput else { return }
    backwardNorm(
      [(.query, g.q), (.key, g.k), (.value, g.v)], pass, x, layer.inputNorm, a.inverseRMS1)
  }

  private func rotateBack(_ dx: FloatBuffer, heads: Int, _ pass: BlockPass) {
    compute.rope(
      dx.pointer, tokens: pass.tokens, heads: heads, headSize: config.headSize,
      cosine: pass.a.cosine.pointer, sine: pass.a.sine.pointer, backward: true, into: dx.pointer)
  }

  /// g.stream += the gradient of the layers' common input, back through its norm.
  private func backwardNorm(
    _ layers: [(LinearKind, FloatBuffer)], _ pass: BlockPass, _ x: UnsafePointer<Float>,
    _ norm: FloatBuffer, _ inverseRMS: FloatBuffer
  ) {
    let g = pass.g
    for (index, (kind, dy)) in layers.enumerated() {
      compute.inputGradient(
        weights.layers[pass.layer][kind].matrix, dy.pointer, tokens: pass.tokens,
        into: g.norm.pointer, accumulating: index > 0)
    }
    compute.rmsNormBackward(
      x, weight: norm.pointer, inverseRMS: inverseRMS.pointer, dy: g.norm.pointer,
      tokens: pass.tokens, width: config.hiddenSize, addingTo: g.stream.pointer)
  }

  /// Scale gradient of a layer that ends a branch: its output is `to - from`, its dy is g.stream.
  private func branchGradient(
    _ kind: LinearKind, _ pass: BlockPass, input: FloatBuffer, from: UnsafePointer<Float>,
    to: UnsafePointer<Float>
  ) {
    let output = pass.a.scratch.pointer
    let width = config.hiddenSize
    compute.pool.parallelRanges(pass.tokens * width, unit: 1024) { range, _ in
      for i in range { output[i] = to[i] - from[i] }
    }
    scaleGradient(kind, pass, dy: pass.g.stream, y: output, input: input)
  }

  /// Hands the gradients of one matrix to the sink, sequence by sequence: a sum over the tokens of
  /// one sequence has the same bits whatever is stacked with it.
  private func scaleGradient(
    _ kind: LinearKind, _ pass: BlockPass, dy: FloatBuffer, y: UnsafePointer<Float>,
    input: FloatBuffer
  ) {
    guard let entry = pass.scales.entry(layer: pass.layer, kind: kind) else { return }
    let matrix = weights.layers[pass.layer][kind].matrix
    let out = pass.piece.pointer
    for (sequence, part) in pass.stack.parts.enumerated() {
      let dy = dy.pointer + part.lowerBound * matrix.rows
      if entry.groups == matrix.groups && matrix.groups > 1 {
        compute.groupGradient(
          matrix, dy: dy, x: input.pointer + part.lowerBound * matrix.columns, tokens: part.count,
          into: out)
        pass.scales.finishGroupGradient(entry, out)
      } else {
        compute.columnDot(
          dy, y + part.lowerBound * matrix.rows, tokens: part.count, columns: matrix.rows, into: out
        )
        pass.scales.finishRowGradient(entry, out)
      }
      pass.sink(
        sequence, entry.range.lowerBound,
        UnsafeBufferPointer(start: out, count: entry.range.count))
    }
  }
}
