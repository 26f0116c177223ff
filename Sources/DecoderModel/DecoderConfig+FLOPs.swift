/// Arithmetic of a model, counted by formula: two operations a multiply-add. Only products count;
/// what is elementwise, and what is done again to save memory, does not.
///
///     linear layers, N weights   forward 2 N, input gradient 2 N, per token
///     scale gradient of groups   2 N per token
///     scale gradient of rows     none: it comes from the outputs
///     causal attention, width Q  2 products forward, 5 backward, Q multiply-adds per pair of
///                                tokens
///     output matrix, V x D       forward and input gradient, 2 V D each, per token
///
/// (The backward pass of attention computes scores again, as every flash-style one does.)
package struct DecoderFLOPs: Sendable, Equatable {
  package var forward = 0.0
  package var backward = 0.0

  package var total: Double { forward + backward }
}

extension DecoderConfig {
  /// Weights in the linear layers of one block.
  package var blockWeightCount: Int {
    block.kinds.reduce(0) { $0 + weightCount(of: $1) * count(of: $1) }
  }

  private func weightCount(of kind: LinearKind) -> Int {
    shape(of: kind).rows * shape(of: kind).columns
  }

  private func rowsPerToken(of kind: LinearKind) -> Int {
    block.mlpKinds.contains(kind) ? block.rowsPerToken : 1
  }

  /// Operations of `tokens` through some kinds of layers of a block.
  package func linearFLOPs(_ kinds: [LinearKind], tokens: Int) -> Double {
    let weights = kinds.reduce(0) { $0 + weightCount(of: $1) * rowsPerToken(of: $1) }
    return 2 * Double(weights) * Double(tokens)
  }

  /// Numbers of the whole model as files of its family hold them: weights, norms, biases,
  /// vocabulary and rows of positions that no token has.
  package var parameterCount: Int {
    let unused = family.tensors.positionOffset * hiddenSize
    return expectedTensors.reduce(unused) { $0 + $1.shape.reduce(1, *) }
  }

  /// Numbers that a task trains over a base with groups of `groupSize` weights, -1 for whole rows.
  package func trained(_ training: ScaleTraining, groupSize: Int) -> TrainedNumbers {
    training.numbers(over: linearLayouts(groupSize: groupSize))
  }

  /// One block over one segment of `tokens`.
  package func blockFLOPs(
    layer: Int = 0, tokens: Int, granularity: ScaleGranularity
  ) -> DecoderFLOPs {
    let linear = linearFLOPs(block.kinds, tokens: tokens)
    let product = 2 * Double(queryWidth) * attendedPairs(layer: layer, tokens: tokens)
    return DecoderFLOPs(
      forward: linear + 2 * product,
      backward: linear * (granularity == .row ? 1 : 2) + 5 * product)
  }

  /// All blocks and the output matrix, for sequences of `tokens` of which all but the last predict.
  /// What lies below the lowest trained layer has no way back.
  package func stepFLOPs(
    tokens: Int, sequences: Int, _ training: ScaleTraining
  ) -> DecoderFLOPs {
    let head = 2 * Double(vocabularySize) * Double(embeddingWidth) * Double(tokens - 1)
    var sum = DecoderFLOPs(forward: head, backward: head)
    let lowest = lowestTrainedLayer(training.modules)
    for layer in 0..<layerCount {
      let block = blockFLOPs(layer: layer, tokens: tokens, granularity: .row)
      sum.forward += block.forward
      guard layer >= lowest else { continue }
      sum.backward += block.backward
      if layer == lowest { sum.backward -= sparedFLOPs(layer: layer, tokens, training.modules) }
      guard training.granularity != .row else { continue }
      sum.backward += trainedFLOPs(layer: layer, tokens, training.modules)
    }
    return DecoderFLOPs(
      forward: Double(sequences) * sum.forward, backward: Double(sequences) * sum.backward)
  }

  /// The lowest layer that is trained; the number of layers where none is.
  package func lowestTrainedLayer(_ modules: TargetModules) -> Int {
    (0..<layerCount).first { layer in
      block.linears.contains { modules.contains($0, layer: layer) }
    } ?? layerCount
  }

  /// What the way back through the lowest trained layer leaves out: gradients of the block's input,
  /// and of attention where nothing of it is trained.
  private func sparedFLOPs(layer: Int, _ tokens: Int, _ modules: TargetModules) -> Double {
    func trains(_ kinds: [LinearKind]) -> Bool {
      block.linears.contains {
        kinds.contains($0.kind) && modules.contains($0, layer: layer)
      }
    }
    let inputs = linearFLOPs(block.firstKinds, tokens: tokens)
    guard !trains([.query, .key, .value]) else { return inputs }
    let attention =
      linearFLOPs([.attentionOutput], tokens: tokens)
      + 10 * Double(queryWidth) * attendedPairs(layer: layer, tokens: tokens)
    guard !trains([.attentionOutput]), block.residual == .sequential else {
      return inputs + attention
    }
    let first = block.mlpKinds.filter { $0 != .down }
    let rest = trains(first) ? [] : [LinearKind.down]
    return inputs + attention + linearFLOPs(first + rest, tokens: tokens)
  }

  /// One product for each layer that is trained.
  private func trainedFLOPs(layer: Int, _ tokens: Int, _ modules: TargetModules) -> Double {
    block.linears.reduce(0) { sum, role in
      guard modules.contains(role, layer: layer) else { return sum }
      return sum + linearFLOPs([role.kind], tokens: tokens) / Double(count(of: role.kind))
    }
  }

  /// Pairs of a token and one that it sees, itself included.
  private func attendedPairs(layer: Int, tokens: Int) -> Double {
    let window = min(window(layer: layer) ?? tokens, tokens)
    // The first `window` tokens see 1, 2, ... tokens, all others `window`.
    return Double(window) * Double(window + 1) / 2 + Double(tokens - window) * Double(window)
  }
}
