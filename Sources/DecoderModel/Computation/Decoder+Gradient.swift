internal import Kernels

// The backward pass: gradients of scales only. No weight gradient is ever formed for scales per
// row: the gradient of a row's scale comes from its output, and the outputs of the two projections
// that end a branch are differences of residual streams, so they are neither stored nor recomputed.
extension Decoder {
  /// One pass over several sequences: each block is read once for all of them.
  ///
  /// `sink` gets d(sum of token losses)/d(masters) of each sequence by itself, one matrix at a
  /// time, from the last block to the first; every trained number of every sequence once. The bits
  /// are those of a pass over the sequence alone. The decoder must be using `scales.task`.
  package func lossesAndGradients(
    _ sequences: [TokenSequence], scales: TrainableScales, to sink: GradientSink
  ) throws(DecoderError) -> [SequenceLossSum] {
    guard scales.count > 0 else { throw .badTargets("no trained scales") }
    let stack = try SequenceBatch(sequences, config)
    let (a, g) = trainingBuffers(capacity: stack.tokens.count)
    forward(stack.tokens, segments: stack.segments, a)
    g.residual.elements[..<(stack.tokens.count * config.hiddenSize)].update(repeating: 0)
    let losses = headLosses(a.residual(config.layerCount), stack, addingGradientTo: g.residual)
    let chunk = gradientChunk(scales, sequences: stack.sequenceRanges.count)
    withoutActuallyEscaping(sink) { sink in
      for layer in (0..<config.layerCount).reversed() {
        prefetcher?.prefetch(layer, next: max(0, layer - 1))
        let pass = BlockPass(
          layer: layer, stack: stack, a: a, g: g, scales: scales, chunk: chunk, sink: sink,
          reachesInput: layer > 0)
        recompute(pass)
        backwardMLP(pass)
        backwardAttention(pass)
      }
    }
    return stack.lossSums(losses)
  }

  /// Room for the scale gradients of one matrix of one sequence, and for the row sums of two
  /// matrices of all sequences.
  func gradientChunk(_ scales: TrainableScales, sequences: Int) -> FloatBuffer {
    let entries = scales.task.entries
    let rows = entries.map(\.rows).max() ?? 0
    let count = max(2 * sequences * rows, entries.map(\.range.count).max() ?? 0)
    if let held = scaleGradients, held.count >= count { return held }
    let made = FloatBuffer(count: count)
    scaleGradients = made
    return made
  }

  func trainingBuffers(capacity: Int) -> (Activations, BlockGradients) {
    let keeping: Activations.Keeping = recomputesProducts ? .residuals : .products
    if let training, training.activations.capacity >= capacity,
      training.activations.keeping == keeping
    {
      return training
    }
    training = nil
    let made = (
      Activations(config, capacity: capacity, keeping: keeping),
      BlockGradients(config, attentionShape, capacity: capacity)
    )
    training = made
    return made
  }

  /// What one block's backward pass works on.
  struct BlockPass {
    let layer: Int
    let stack: SequenceBatch
    let a: Activations
    let g: BlockGradients
    let scales: TrainableScales
    /// What `gradientChunk` makes.
    let chunk: FloatBuffer
    let sink: GradientSink
    /// Nothing trained stands before the first block of a model.
    var reachesInput: Bool

    var tokens: Int { stack.tokens.count }
    var segments: [Range<Int>] { stack.segments }

    /// Whether the layer has one trained number a row; false where it has more or none.
    func trainsRows(_ kind: LinearKind) -> Bool {
      guard let entry = scales.entry(layer: layer, kind: kind) else { return false }
      return entry.groups == 1
    }
  }

  /// The block's activations again, bit for bit: without the two products whose outputs are kept as
  /// streams, and without any where their outputs are kept. Inputs of products in fp32 only for
  /// scales per group, whose gradients are products of them.
  func recompute(_ pass: BlockPass) {
    let (a, layer, tokens) = (pass.a, weights.layers[pass.layer], pass.tokens)
    let (x, postAttention) = (a.residual(pass.layer), a.postAttention(pass.layer))
    let trainsGroups = pass.scales.granularity == .group
    a.select(layer: pass.layer)
    if a.keeping == .products {
      normalize(x, layer.inputNorm, trainsGroups ? a.norm1 : nil, a.inverseRMS1, tokens)
      rotateInputs(layer, tokens: tokens, a)
      normalize(
        postAttention, layer.postAttentionNorm, trainsGroups ? a.norm2 : nil, a.inverseRMS2, tokens)
    } else {
      attentionInputs(layer, x, tokens: tokens, a, keepingNorm: trainsGroups)
      attend(tokens: tokens, segments: pass.segments, a)
      expand(layer, postAttention, tokens: tokens, a, keepingNorm: trainsGroups)
    }
    guard trainsGroups else { return }
    compute.swiGLU(
      gate: a.gate.pointer, up: a.up.pointer, count: tokens * config.intermediateSize,
      into: a.activated.pointer)
  }

  /// g.residual: from the gradient after the block to that between attention and MLP.
  func backwardMLP(_ pass: BlockPass) {
    let (a, g) = (pass.a, pass.g)
    let (layer, postAttention) = (weights.layers[pass.layer], a.postAttention(pass.layer))
    backward(
      .down, pass, dy: g.residual, y: a.residual(pass.layer + 1), minus: postAttention,
      input: a.activated,
      into: g.gate)
    if pass.trainsRows(.gate) && pass.trainsRows(.up) {
      backwardActivation(pass, layer[.gate].matrix, layer[.up].matrix)
    } else {
      compute.swiGLUBackward(
        gate: a.gate.pointer, up: a.up.pointer, dh: g.gate.pointer,
        count: pass.tokens * config.intermediateSize, dgate: g.gate.pointer, dup: g.up.pointer)
      backward(.gate, pass, dy: g.gate, y: a.gate.pointer, input: a.norm2, into: g.norm)
      backward(
        .up, pass, dy: g.up, y: a.up.pointer, input: a.norm2, into: g.norm, accumulating: true)
    }
    backwardNorm(pass, postAttention, layer.postAttentionNorm, a.inverseRMS2)
  }

  /// Through the activation and both layers before it at once, for scales per row.
  private func backwardActivation(_ pass: BlockPass, _ gate: WeightMatrix, _ up: WeightMatrix) {
    let (a, g, sequenceRanges) = (pass.a, pass.g, pass.stack.sequenceRanges)
    let upSums = pass.chunk.pointer + sequenceRanges.count * gate.rows
    let dy = compute.activationGradients(
      gate, up, gate: a.gate.pointer, up: a.up.pointer, dh: g.gate.pointer, dgate: g.gate.pointer,
      dup: g.up.pointer, sequenceRanges: sequenceRanges, gateSums: pass.chunk.pointer,
      upSums: upSums)
    handOnRows(.gate, pass, pass.chunk.pointer)
    handOnRows(.up, pass, upSums)
    for (matrix, operand, accumulating) in [(gate, dy.gate, false), (up, dy.up, true)] {
      guard let operand else { continue }
      compute.inputGradient(
        matrix, operand, tokens: pass.tokens, into: g.norm.pointer, accumulating: accumulating)
    }
  }

  /// g.residual: from the gradient between attention and MLP to that before the block.
  func backwardAttention(_ pass: BlockPass) {
    let (a, g, tokens) = (pass.a, pass.g, pass.tokens)
    let x = a.residual(pass.layer)
    backward(
      .attentionOutput, pass, dy: g.residual, y: a.postAttention(pass.layer), minus: x,
      input: a.attentionOutput,
      into: g.attentionOutput)
    compute.attentionBackward(
      attentionShape, segments: pass.segments, q: a.queries.pointer, k: a.keys.pointer,
      v: a.values.pointer, tokens: tokens, out: a.attentionOutput.pointer, lse: a.lse.pointer,
      dout: g.attentionOutput.pointer, dq: g.q.pointer, dk: g.k.pointer, dv: g.v.pointer,
      headGradients: g.heads.pointer)
    let (layer, dx) = (weights.layers[pass.layer], pass.reachesInput ? g.norm : nil)
    let dq = rotateBack(
      g.q, layer.queryNorm, a.inverseRMSQueries, of: a.q, heads: config.headCount, pass)
    backward(.query, pass, dy: dq, y: a.q.pointer, input: a.norm1, into: dx)
    let dk = rotateBack(
      g.k, layer.keyNorm, a.inverseRMSKeys, of: a.k, heads: config.keyValueHeadCount, pass)
    backward(.key, pass, dy: dk, y: a.k.pointer, input: a.norm1, into: dx, accumulating: true)
    backward(.value, pass, dy: g.v, y: a.v.pointer, input: a.norm1, into: dx, accumulating: true)
    guard pass.reachesInput else { return }
    backwardNorm(pass, x, layer.inputNorm, a.inverseRMS1)
  }

  /// The gradient of a projection's output `x` from `dy`, that of what attention read of it:
  /// through the rotation, and the norm of each head where there is one.
  ///
  /// - Returns: `dy` itself, or `g.attentionOutput`, which nobody needs any more.
  private func rotateBack(
    _ dy: FloatBuffer, _ norm: FloatBuffer?, _ inverseRMS: FloatBuffer?, of x: FloatBuffer,
    heads: Int, _ pass: BlockPass
  ) -> FloatBuffer {
    if weights.layers[pass.layer].isRotated {
      compute.rope(
        dy.pointer, tokens: pass.tokens, heads: heads, headSize: config.headSize,
        cosine: pass.a.cosine.pointer, sine: pass.a.sine.pointer, backward: true, into: dy.pointer)
    }
    guard let norm, let inverseRMS else { return dy }
    let dx = pass.g.attentionOutput
    dx.elements[..<(pass.tokens * heads * config.headSize)].update(repeating: 0)
    compute.rmsNormBackward(
      x.pointer, weight: norm.pointer, inverseRMS: inverseRMS.pointer, dy: dy.pointer,
      tokens: pass.tokens * heads, width: config.headSize, addingTo: dx.pointer)
    return dx
  }

  /// g.residual += g.norm, the gradient of the layers' common input, back through its norm.
  private func backwardNorm(
    _ pass: BlockPass, _ x: UnsafePointer<Float>, _ norm: FloatBuffer, _ inverseRMS: FloatBuffer
  ) {
    compute.rmsNormBackward(
      x, weight: norm.pointer, inverseRMS: inverseRMS.pointer, dy: pass.g.norm.pointer,
      tokens: pass.tokens, width: config.hiddenSize, addingTo: pass.g.residual.pointer)
  }

  /// One linear layer back: its scale gradients to the sink, dx [T, I] (+)= dy W where there is a
  /// dx.
  ///
  /// Its output was `y - minus`, of which scales per row make their gradients; scales per group
  /// make them of its `input`.
  private func backward(
    _ kind: LinearKind, _ pass: BlockPass, dy: FloatBuffer, y: UnsafePointer<Float>,
    minus: UnsafePointer<Float>? = nil, input: FloatBuffer, into dx: FloatBuffer?,
    accumulating: Bool = false
  ) {
    let matrix = weights.layers[pass.layer][kind].matrix
    guard pass.trainsRows(kind) else {
      handOnGroups(kind, pass, dy: dy, input: input)
      guard let dx else { return }
      compute.inputGradient(
        matrix, dy.pointer, tokens: pass.tokens, into: dx.pointer, accumulating: accumulating)
      return
    }
    let operand = compute.rowGradients(
      matrix, dy: dy.pointer, y: y, minus: minus, sequenceRanges: pass.stack.sequenceRanges,
      wantsOperand: dx != nil,
      sums: pass.chunk.pointer)
    handOnRows(kind, pass, pass.chunk.pointer)
    guard let dx, let operand else { return }
    compute.inputGradient(
      matrix, operand, tokens: pass.tokens, into: dx.pointer, accumulating: accumulating)
  }

  /// Hands gradients of scales per row to the sink: `sums` [sequences, O]. A sum over the tokens of
  /// one sequence has the same bits whatever is stacked with it.
  private func handOnRows(
    _ kind: LinearKind, _ pass: BlockPass, _ sums: UnsafeMutablePointer<Float>
  ) {
    guard let entry = pass.scales.entry(layer: pass.layer, kind: kind) else { return }
    for sequence in pass.stack.sequenceRanges.indices {
      let out = sums + sequence * entry.rows
      pass.scales.finishRowGradient(entry, out)
      pass.sink(
        sequence, entry.range.lowerBound, UnsafeBufferPointer(start: out, count: entry.rows))
    }
  }

  /// Hands gradients of scales per group to the sink; nothing where the layer is not trained.
  private func handOnGroups(
    _ kind: LinearKind, _ pass: BlockPass, dy: FloatBuffer, input: FloatBuffer
  ) {
    guard let entry = pass.scales.entry(layer: pass.layer, kind: kind) else { return }
    let matrix = weights.layers[pass.layer][kind].matrix
    let out = pass.chunk.pointer
    for (sequence, part) in pass.stack.sequenceRanges.enumerated() {
      compute.groupGradient(
        matrix, dy: dy.pointer + part.lowerBound * matrix.rows,
        x: input.pointer + part.lowerBound * matrix.columns, tokens: part.count, into: out)
      pass.scales.finishGroupGradient(entry, out)
      pass.sink(
        sequence, entry.range.lowerBound,
        UnsafeBufferPointer(start: out, count: entry.range.count))
    }
  }
}
