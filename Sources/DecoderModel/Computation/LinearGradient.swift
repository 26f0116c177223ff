internal import Kernels

/// What one block's backward pass works on.
struct BlockPass {
  let layer: Int
  let stack: SequenceBatch
  let a: Activations
  let g: BlockGradients
  let scales: TrainableScales
  /// What `Decoder.gradientChunk` makes.
  let chunk: FloatBuffer
  let sink: GradientSink
  /// Something trained stands before the block.
  let reachesInput: Bool
  /// Takes what gradients of whole matrices are made of, where anybody wants them.
  var matrixSink: BlockFitting.Sink?

  var tokens: Int { stack.tokens.count }
  var segments: [Range<Int>] { stack.segments }

  /// Whether the way back goes on from the MLP to attention.
  var reachesAttention: Bool {
    reachesInput || matrixSink != nil
      || scales.trains([.query, .key, .value, .attentionOutput], layer: layer)
  }

  /// Whether it goes on from attention's output to its projections.
  var reachesHeads: Bool {
    reachesInput || matrixSink != nil || scales.trains([.query, .key, .value], layer: layer)
  }

  /// Whether anybody wants a gradient of the layer.
  func trains(_ role: LinearRole) -> Bool {
    matrixSink != nil || scales.part(layer: layer, role: role) != nil
  }

  /// Whether the layer has one trained number a row; false where it has more or none.
  func trainsRows(_ role: LinearRole) -> Bool {
    scales.part(layer: layer, role: role)?.entry.groups == 1
  }

  /// Whether these numbers are all that is trained of the layer: none is made of its input.
  func trainsRowsOnly(_ role: LinearRole) -> Bool {
    guard let part = scales.part(layer: layer, role: role) else { return false }
    return part.entry.groups == 1 && part.zeros.isEmpty
  }
}

// One linear layer back: gradients of its scales, and of its input.
extension Decoder {
  /// The scale gradients of a layer to the sink, dx [rows, I] (+)= dy W where there is a dx.
  ///
  /// Its output was `y - minus`, of which scales per row make their gradients; scales per group
  /// make them of its `input`. `ranges` are the rows of each sequence; nil for those of the stack.
  func backward(
    _ role: LinearRole, _ pass: BlockPass, _ ranges: [Range<Int>]? = nil,
    dy: UnsafePointer<Float>, y: UnsafePointer<Float>, minus: UnsafePointer<Float>? = nil,
    input: UnsafePointer<Float>, into dx: UnsafeMutablePointer<Float>?, accumulating: Bool = false
  ) {
    let (matrix, ranges) = (
      weights.layers[pass.layer][role].matrix, ranges ?? pass.stack.sequenceRanges
    )
    pass.matrixSink?(role, dy, input, ranges.last?.upperBound ?? 0)
    guard pass.trainsRows(role) else {
      handOnGroups(role, pass, ranges, dy: dy, input: input)
      handOnZeroPoints(role, pass, ranges, dy: dy, input: input)
      guard let dx else { return }
      compute.inputGradient(
        matrix, dy, tokens: ranges.last?.upperBound ?? 0, into: dx, accumulating: accumulating)
      return
    }
    let operand = compute.rowGradients(
      matrix, dy: dy, y: y, minus: minus, sequenceRanges: ranges, wantsOperand: dx != nil,
      sums: pass.chunk.pointer)
    handOnRows(role, pass, pass.chunk.pointer)
    handOnZeroPoints(role, pass, ranges, dy: dy, input: input)
    guard let dx, let operand else { return }
    compute.inputGradient(
      matrix, operand, tokens: ranges.last?.upperBound ?? 0, into: dx, accumulating: accumulating)
  }

  /// `target` += g.norm, the gradient of what a branch's first layers read, back through their norm
  /// of `x`, where they have one.
  func backwardInput(
    _ pass: BlockPass, _ x: UnsafePointer<Float>, _ norm: Norm?, _ statistics: BlockBuffer.Name,
    addingTo target: GradientBuffer.Name
  ) {
    let g = pass.g
    guard let norm else {
      return compute.add(g[.norm], to: g[target], count: pass.tokens * config.hiddenSize)
    }
    compute.normalizeBackward(
      x, norm, statistics: pass.a[statistics], dy: g[.norm], tokens: pass.tokens,
      addingTo: g[target])
  }

  /// Hands gradients of scales per row to the sink: `sums` [sequences, O]. A sum over the tokens of
  /// one sequence has the same bits whatever is stacked with it.
  func handOnRows(
    _ role: LinearRole, _ pass: BlockPass, _ sums: UnsafeMutablePointer<Float>
  ) {
    guard let part = pass.scales.part(layer: pass.layer, role: role) else { return }
    for sequence in pass.stack.sequenceRanges.indices {
      let out = sums + sequence * part.entry.rows
      pass.scales.finishRowGradient(part.entry, out)
      pass.sink(
        sequence, part.range.lowerBound, UnsafeBufferPointer(start: out, count: part.entry.rows))
    }
  }

  /// Hands gradients of scales per group to the sink; nothing where the layer is not trained.
  private func handOnGroups(
    _ role: LinearRole, _ pass: BlockPass, _ ranges: [Range<Int>], dy: UnsafePointer<Float>,
    input: UnsafePointer<Float>
  ) {
    guard let part = pass.scales.part(layer: pass.layer, role: role) else { return }
    let matrix = weights.layers[pass.layer][role].matrix
    for (sequence, rows) in ranges.enumerated() {
      let sums = pass.chunk.pointer
      compute.groupGradient(
        matrix, dy: dy + rows.lowerBound * matrix.rows, x: input + rows.lowerBound * matrix.columns,
        tokens: rows.count, into: sums)
      let gradient = pass.scales.finishGroupGradient(part, matrix, sums)
      pass.sink(
        sequence, part.range.lowerBound,
        UnsafeBufferPointer(start: gradient, count: part.range.count))
    }
  }

  /// Hands gradients of zero points to the sink; nothing where they are not trained.
  private func handOnZeroPoints(
    _ role: LinearRole, _ pass: BlockPass, _ ranges: [Range<Int>], dy: UnsafePointer<Float>,
    input: UnsafePointer<Float>
  ) {
    guard let part = pass.scales.part(layer: pass.layer, role: role), !part.zeros.isEmpty else {
      return
    }
    let matrix = weights.layers[pass.layer][role].matrix
    for (sequence, rows) in ranges.enumerated() {
      let sums = pass.chunk.pointer
      compute.groupSums(
        matrix, dy: dy + rows.lowerBound * matrix.rows, x: input + rows.lowerBound * matrix.columns,
        tokens: rows.count, into: sums)
      pass.scales.finishZeroGradient(part, matrix, sums)
      pass.sink(
        sequence, part.zeros.lowerBound, UnsafeBufferPointer(start: sums, count: part.zeros.count))
    }
  }

  /// Hands zeros to the sink for a layer that no token has passed.
  func handOnZeros(_ role: LinearRole, _ pass: BlockPass) {
    guard let part = pass.scales.part(layer: pass.layer, role: role) else { return }
    for range in [part.range, part.zeros] where !range.isEmpty {
      let zeros = UnsafeMutableBufferPointer(start: pass.chunk.pointer, count: range.count)
      zeros.update(repeating: 0)
      for sequence in pass.stack.sequenceRanges.indices {
        pass.sink(sequence, range.lowerBound, UnsafeBufferPointer(zeros))
      }
    }
  }
}
