internal import Kernels

// The backward pass: gradients of scales only. No weight gradient is ever formed for scales per
// row: the gradient of a row's scale comes from its output, and the outputs of the two projections
// that end a branch are differences of residual streams, where nothing stands between, so they are
// neither stored nor recomputed (docs/decisions/0006).
extension Decoder {
  /// One pass over several sequences: each block is read once for all of them.
  ///
  /// `sink` gets d(sum of token losses)/d(masters) of each sequence by itself, one matrix at a
  /// time, from the last block to the first that is trained; every trained number of every sequence
  /// once. The bits are those of a pass over the sequence alone. The decoder must be using
  /// `scales.task`.
  ///
  /// With `distillation` the loss is that against the teachers of the sequences.
  package func lossesAndGradients(
    _ sequences: [TokenSequence], scales: TrainableScales, distillation: Distillation? = nil,
    to sink: GradientSink
  ) throws(DecoderError) -> [SequenceLossSum] {
    guard scales.count > 0 else { throw .badTargets("no trained scales") }
    let stack = try SequenceBatch(sequences, config)
    if let distillation { try stack.requireTeachers(for: distillation) }
    let (a, g) = trainingBuffers(capacity: stack.tokens.count)
    forward(stack.tokens, segments: stack.segments, a)
    g[.residual].update(repeating: 0, count: stack.tokens.count * config.hiddenSize)
    let losses = headLosses(
      a.residual(config.layerCount), stack, distillation: distillation,
      addingGradientTo: g[.residual])
    var hidden = [Double](repeating: 0, count: losses.count)
    let chunk = gradientChunk(scales, sequences: stack.sequenceRanges.count)
    withoutActuallyEscaping(sink) { sink in
      for layer in (scales.firstLayer..<config.layerCount).reversed() {
        let reachesInput = layer > scales.firstLayer
        // The next pass begins with block 0.
        prefetcher?.prefetch(layer, next: reachesInput ? layer - 1 : 0)
        let pass = BlockPass(
          layer: layer, stack: stack, a: a, g: g, scales: scales, chunk: chunk, sink: sink,
          reachesInput: reachesInput)
        if let distillation { addStreamErrors(of: distillation, pass, to: &hidden) }
        recompute(pass)
        backward(pass)
      }
    }
    guard let distillation else { return stack.lossSums(losses) }
    return stack.lossSums(losses, hidden: hidden, distillation)
  }

  /// g.residual: from the gradient after a block to that before it, where something needs that.
  func backward(_ pass: BlockPass) {
    backwardMLP(pass)
    guard pass.reachesAttention else { return }
    backwardAttention(pass)
    guard config.block.residual == .parallel, pass.reachesInput else { return }
    compute.add(
      pass.g[.branch], to: pass.g[.residual], count: pass.tokens * config.hiddenSize)
  }

  /// Room for the scale gradients of one matrix of one sequence, with what they are made of, and
  /// for the row sums of two matrices of all sequences.
  func gradientChunk(_ scales: TrainableScales, sequences: Int) -> FloatBuffer {
    let rows = scales.parts.map(\.entry.rows).max() ?? 0
    let count = max(2 * sequences * rows, scales.parts.map(\.gradientRoom).max() ?? 0)
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
      BlockGradients(config, capacity: capacity)
    )
    training = made
    return made
  }

  /// The block's activations again, bit for bit: without the two products whose outputs are kept as
  /// streams, and without any where their outputs are kept. Inputs of products in fp32 only where
  /// gradients are products of them, as those of scales per group.
  func recompute(_ pass: BlockPass) {
    let (a, layer, tokens) = (pass.a, weights.layers[pass.layer], pass.tokens)
    let (x, between) = (a.residual(pass.layer), a.postAttention(pass.layer))
    let forward = ForwardPass(
      tokens: tokens, a: a, keepsInputs: pass.scales.needsInputs(layer: pass.layer)
    ) { _ in }
    a.select(layer: pass.layer)
    if pass.reachesAttention { recomputeAttention(pass, forward) }
    if !config.block.branchOutputsAreDifferences {
      join(.attention, layer, to: x, tokens: tokens, a, into: between)
    }
    recomputeMLP(layer, config.block.residual == .parallel ? x : between, forward)
  }

  private func recomputeAttention(_ pass: BlockPass, _ forward: ForwardPass) {
    let (a, layer, tokens) = (pass.a, weights.layers[pass.layer], pass.tokens)
    let x = a.residual(pass.layer)
    guard a.keeping == .products else {
      attentionInputs(layer, x, forward)
      return attend(pass.layer, tokens, pass.segments, a)
    }
    if let norm = layer.norm(.input) {
      normalize(x, norm, tokens, into: forward.keepsInputs ? a[.norm1] : nil, a[.inputStatistics])
    }
    prepareHeads(layer, tokens: tokens, a)
  }
}
