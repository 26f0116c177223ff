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
    LinearKind.allCases.reduce(0) { $0 + shape(of: $1).rows * shape(of: $1).columns }
  }

  /// Numbers that a task trains over a base with groups of `groupSize` weights, -1 for whole rows.
  package func trainedScales(_ granularity: ScaleGranularity, groupSize: Int) -> Int {
    layerCount
      * LinearKind.allCases.reduce(0) { sum, kind in
        let (rows, columns) = shape(of: kind)
        let groups =
          granularity == .row || groupSize < 1 ? 1 : (columns + groupSize - 1) / groupSize
        return sum + rows * groups
      }
  }

  /// One block over one segment of `tokens`.
  package func blockFLOPs(tokens: Int, granularity: ScaleGranularity) -> DecoderFLOPs {
    let linear = 2 * Double(blockWeightCount) * Double(tokens)
    let product = 2 * Double(queryWidth) * attendedPairs(tokens: tokens)
    return DecoderFLOPs(
      forward: linear + 2 * product,
      backward: linear * (granularity == .group ? 2 : 1) + 5 * product)
  }

  /// All blocks and the output matrix, for sequences of `tokens` of which all but the last predict.
  /// The first block gives no gradient to q, k and v's input: nothing trained stands before it.
  package func stepFLOPs(
    tokens: Int, sequences: Int, granularity: ScaleGranularity
  ) -> DecoderFLOPs {
    let block = blockFLOPs(tokens: tokens, granularity: granularity)
    let inputs: [LinearKind] = [.query, .key, .value]
    let spared = inputs.reduce(0) { $0 + shape(of: $1).rows * shape(of: $1).columns }
    let head = 2 * Double(vocabularySize) * Double(hiddenSize) * Double(tokens - 1)
    let (layers, times) = (Double(layerCount), Double(sequences))
    return DecoderFLOPs(
      forward: times * (layers * block.forward + head),
      backward: times * (layers * block.backward - 2 * Double(spared) * Double(tokens) + head))
  }

  /// Pairs of a token and one that it sees, itself included.
  private func attendedPairs(tokens: Int) -> Double {
    let window = min(slidingWindow ?? tokens, tokens)
    // The first `window` tokens see 1, 2, ... tokens, all others `window`.
    return Double(window) * Double(window + 1) / 2 + Double(tokens - window) * Double(window)
  }
}
