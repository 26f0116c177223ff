internal import Kernels

/// Tokens that go through one MLP: all of them, or those that chose an expert.
struct MLPRows {
  /// Nil outside a mixture.
  let expert: Int?
  /// Their first row in the buffers of the MLP.
  let first: Int
  let count: Int
  /// Which of them belong to each sequence of a stack, counted from `first`.
  let sequenceRanges: [Range<Int>]

  func role(_ kind: LinearKind) -> LinearRole { LinearRole(kind, expert: expert) }
}

// The MLP: down(f(gate(x)) * up(x)), or down(f(up(x))), and the way back.
extension Decoder {
  /// The MLP's output for `x` [T, D], where `output(of: .mlp)` says.
  func mlp(_ layer: DecoderWeights.Layer, _ x: UnsafePointer<Float>, _ pass: ForwardPass) {
    guard config.block.experts == nil else { return mixture(layer, x, pass) }
    let rows = MLPRows(expert: nil, first: 0, count: pass.tokens, sequenceRanges: [])
    let input = mlpInput(layer, x, pass)
    finish(layer, rows, input, pass, into: output(of: .mlp, pass.a))
  }

  func mlpNorm(_ layer: DecoderWeights.Layer) -> Norm? {
    layer.norm(config.block.sharesNorm ? .input : .postAttention)
  }

  func mlpInput(
    _ layer: DecoderWeights.Layer, _ x: UnsafePointer<Float>, _ pass: ForwardPass
  ) -> Operand {
    input(
      x, mlpNorm(layer), pass, for: layer[config.block.activated].matrix, keeping: .norm2,
      .mlpStatistics)
  }

  /// The input of the MLP in fp32, in which a mixture gathers it.
  func mlpInputRows(
    _ layer: DecoderWeights.Layer, _ x: UnsafePointer<Float>, tokens: Int, _ a: Activations
  ) -> UnsafePointer<Float> {
    guard let norm = mlpNorm(layer) else { return x }
    normalize(x, norm, tokens, into: a[.norm2], a[.mlpStatistics])
    return UnsafePointer(a[.norm2])
  }

  /// From the operand of the first layers to the MLP's output [rows, D].
  func finish(
    _ layer: DecoderWeights.Layer, _ rows: MLPRows, _ input: Operand, _ pass: ForwardPass,
    into y: UnsafeMutablePointer<Float>
  ) {
    let down = layer[rows.role(.down)].matrix
    let hidden = hidden(layer, rows, input, pass)
    multiply(
      Product(down, into: y), input: hidden, tokens: rows.count, isDecoding: pass.isDecoding)
    multiplyByTasks([(rows.role(.down), y)], tokens: tokens(of: rows, pass), pass)
  }

  /// The hidden numbers as the operand of `down`; what went into the activation stays.
  private func hidden(
    _ layer: DecoderWeights.Layer, _ rows: MLPRows, _ input: Operand, _ pass: ForwardPass
  ) -> Operand {
    let (block, memory) = (config.block, memory(rows, pass.a))
    guard pass.isDecoding else {
      expand(layer, rows, input, pass)
      return compute.activatedOperand(
        block.activation, gate: memory.activated, up: memory.up, tokens: rows.count,
        for: layer[rows.role(.down)].matrix, into: memory.hidden, keeping: false)
    }
    if pass.factors == nil {
      let gate = layer[rows.role(block.activated)]
      compute.decodeActivated(
        block.activation, gate: Product(gate.matrix, into: memory.output),
        up: memory.up.map { Product(layer[rows.role(.up)].matrix, into: $0) },
        bias: gate.bias.map { (UnsafePointer($0.pointer), memory.activated) }, input: input,
        tokens: rows.count, into: memory.hidden)
    } else {
      // Factors come between the products and the activation.
      expand(layer, rows, input, pass)
      activate(rows, pass.a)
    }
    return compute.decodeOperand(
      memory.hidden, tokens: rows.count, for: layer[rows.role(.down)].matrix)
  }

  /// Where the numbers of some rows of the MLP lie.
  private struct Memory {
    /// Output of the layer whose numbers are activated, without bias and with it.
    let output, activated: UnsafeMutablePointer<Float>
    /// What it is multiplied by; nil in an MLP without gate.
    let up: UnsafeMutablePointer<Float>?
    let hidden: UnsafeMutablePointer<Float>
  }

  private func memory(_ rows: MLPRows, _ a: Activations) -> Memory {
    let (block, at) = (config.block, rows.first * config.intermediateSize)
    let output = a[block.isGated ? .gate : .up] + at
    return Memory(
      output: output, activated: block.biases.contains(block.activated) ? a[.biased] + at : output,
      up: block.isGated ? a[.up] + at : nil, hidden: a[.activated] + at)
  }

  private func expand(
    _ layer: DecoderWeights.Layer, _ rows: MLPRows, _ input: Operand, _ pass: ForwardPass
  ) {
    let memory = memory(rows, pass.a)
    let activated = rows.role(config.block.activated)
    multiply(
      Product(layer[activated].matrix, into: memory.output),
      memory.up.map { Product(layer[rows.role(.up)].matrix, into: $0) }, input: input,
      tokens: rows.count, isDecoding: pass.isDecoding)
    multiplyByTasks(
      [(activated, memory.output)] + (memory.up.map { [(rows.role(.up), $0)] } ?? []),
      tokens: tokens(of: rows, pass), pass)
    addBias(layer, rows, pass.a)
  }

  /// Which tokens of a pass the rows of an expert are; nil where all are there, in their order.
  private func tokens(of rows: MLPRows, _ pass: ForwardPass) -> [Int]? {
    guard rows.expert != nil, pass.factors != nil else { return nil }
    return pass.a.routing.map { Array($0.tokens[rows.first..<rows.first + rows.count]) }
  }

  private func addBias(_ layer: DecoderWeights.Layer, _ rows: MLPRows, _ a: Activations) {
    guard let bias = layer[rows.role(config.block.activated)].bias else { return }
    let memory = memory(rows, a)
    compute.addBias(
      bias.pointer, width: bias.count, to: memory.output, tokens: rows.count,
      into: memory.activated)
  }

  /// What the MLP's backward pass reads, for the stream `x` that the MLP read: with its products
  /// where they are not kept.
  func recomputeMLP(
    _ layer: DecoderWeights.Layer, _ x: UnsafePointer<Float>, _ pass: ForwardPass
  ) {
    let a = pass.a
    guard config.block.experts == nil else { return recomputeMixture(layer, x, pass) }
    let rows = MLPRows(expert: nil, first: 0, count: pass.tokens, sequenceRanges: [])
    if a.keeping == .products {
      if let norm = mlpNorm(layer) {
        normalize(
          x, norm, pass.tokens, into: pass.keepsInputs ? a[.norm2] : nil, a[.mlpStatistics])
      }
      addBias(layer, rows, a)
    } else {
      expand(layer, rows, mlpInput(layer, x, pass), pass)
    }
    if pass.keepsInputs { activate(rows, a) }
  }

  /// The hidden numbers in fp32.
  func activate(_ rows: MLPRows, _ a: Activations) {
    let memory = memory(rows, a)
    compute.activate(
      config.block.activation, gate: memory.activated, up: memory.up,
      count: rows.count * config.intermediateSize, into: memory.hidden)
  }

  /// g.residual: from the gradient after the block to that between attention and MLP, where
  /// something needs that; in a parallel block g.branch gets the part that belongs to the stream
  /// before the block.
  func backwardMLP(_ pass: BlockPass) {
    let (a, g, layer) = (pass.a, pass.g, weights.layers[pass.layer])
    let (isParallel, between) = (config.block.residual == .parallel, a.postAttention(pass.layer))
    let x = isParallel ? a.residual(pass.layer) : between
    let dy = separate(.mlp, from: between, pass)
    // A parallel MLP reads what stands before the block, another one what attention has made.
    let goesOn = isParallel ? pass.reachesInput : pass.reachesAttention
    let dx = goesOn ? g[.norm] : nil
    if config.block.experts == nil {
      let output = outputDifference(
        .mlp, before: between, after: a.residual(pass.layer + 1), pass)
      let rows = MLPRows(
        expert: nil, first: 0, count: pass.tokens, sequenceRanges: pass.stack.sequenceRanges)
      backward(
        rows, pass, dy: dy, y: output.y, minus: output.minus,
        input: UnsafePointer(mlpNorm(layer) == nil ? x : a[.norm2]), into: dx)
    } else {
      backwardMixture(layer, x, pass, dy: dy, into: dx)
    }
    guard dx != nil else { return }
    if isParallel { g[.branch].update(repeating: 0, count: pass.tokens * config.hiddenSize) }
    backwardInput(
      pass, x, mlpNorm(layer), .mlpStatistics, addingTo: isParallel ? .branch : .residual)
  }

  /// One MLP back, from the gradient `dy` [rows, D] of its output `y - minus` to `dx` of its
  /// `input`.
  func backward(
    _ rows: MLPRows, _ pass: BlockPass, dy: UnsafePointer<Float>, y: UnsafePointer<Float>,
    minus: UnsafePointer<Float>?, input: UnsafePointer<Float>, into dx: UnsafeMutablePointer<Float>?
  ) {
    let (block, g, layer) = (config.block, pass.g, weights.layers[pass.layer])
    let memory = memory(rows, pass.a)
    let at = rows.first * config.intermediateSize
    let dactivated = g[block.isGated ? .gate : .up] + at
    let dup = block.isGated ? g[.up] + at : nil
    let (first, second) = (rows.role(block.activated), rows.role(.up))
    let goesOn = dx != nil || pass.trains(first) || pass.trains(second)
    backward(
      rows.role(.down), pass, rows.sequenceRanges, dy: dy, y: y, minus: minus,
      input: memory.hidden, into: goesOn ? dactivated : nil)
    guard goesOn else { return }
    guard pass.trainsRowsOnly(first), !block.isGated || pass.trainsRowsOnly(second) else {
      compute.activateBackward(
        block.activation, gate: memory.activated, up: memory.up, dh: dactivated,
        count: rows.count * config.intermediateSize, dgate: dactivated, dup: dup)
      backward(
        first, pass, rows.sequenceRanges, dy: dactivated, y: memory.output, input: input, into: dx)
      if let up = memory.up, let dup {
        backward(
          second, pass, rows.sequenceRanges, dy: dup, y: up, input: input, into: dx,
          accumulating: true)
      }
      return
    }
    // Through the activation and the layers before it at once.
    let (matrix, sums) = (layer[first].matrix, pass.chunk.pointer)
    let upSums = sums + rows.sequenceRanges.count * matrix.rows
    let operands = compute.activationGradients(
      block.activation,
      gate: Compute.Activated(
        matrix, value: memory.activated, output: memory.output, sums: sums, gradient: dactivated),
      up: memory.up.flatMap { up in
        dup.map {
          Compute.Activated(
            layer[second].matrix, value: up, output: up, sums: upSums, gradient: $0)
        }
      }, dh: dactivated, sequenceRanges: rows.sequenceRanges)
    handOnRows(first, pass, sums)
    if block.isGated { handOnRows(second, pass, upSums) }
    guard let dx else { return }
    for (role, operand, accumulating) in [
      (first, operands.gate, false), (second, operands.up, true),
    ] {
      guard let operand else { continue }
      compute.inputGradient(
        layer[role].matrix, operand, tokens: rows.count, into: dx, accumulating: accumulating)
    }
  }
}
