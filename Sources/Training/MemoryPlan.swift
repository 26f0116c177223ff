package import DecoderModel
package import JSONText

/// What a rank will need, told before anything is allocated.
package struct MemoryPlan: Sendable, Equatable {
  /// The mapped base: one copy a node, for all its ranks.
  package var sharedBytes: Int
  /// Masters, moments, gradient and the exact sum.
  package var optimizerBytes: Int
  /// Activations of one pass over the longest sequences, an estimate.
  package var activationBytes: Int
  /// What each rank gives to the all-reduce of one step.
  package var bytesPerStep: Int

  package var privateBytes: Int { optimizerBytes + activationBytes }

  /// - Parameters:
  ///   - parameters: P, the trained numbers.
  ///   - length: tokens of the longest pass.
  ///   - recomputing: products are computed again in the backward pass, not kept.
  package init(
    _ config: DecoderConfig, baseBytes: Int, parameters: Int, length: Int, globalBatchSize: Int,
    ranks: Int, recomputing: Bool
  ) {
    let slots = parameters + 5 + ranks + globalBatchSize
    sharedBytes = baseBytes
    bytesPerStep = slots * MemoryLayout<Int64>.stride
    // Masters, two moments and one gradient as fp32, the scales in use as fp16 or fp32.
    optimizerBytes = bytesPerStep + parameters * 5 * MemoryLayout<Float>.stride
    let (width, inner) = (config.hiddenSize, config.intermediateSize)
    let queries = config.headCount * config.headSize
    let keys = config.keyValueHeadCount * config.headSize
    // Both residual streams of every block are kept; all else belongs to the block at hand.
    let streams = (2 * config.layerCount + 1) * width
    let products = 2 * queries + 2 * keys + config.headCount + 2 * inner
    let kept = streams + (recomputing ? 0 : (config.layerCount - 1) * products)
    let block = 3 * width + 3 * queries + 5 * keys + 3 * inner
    let gradients = 2 * width + 4 * queries + 2 * keys + 2 * inner
    // Logits come in pieces of 256 positions, their gradient with a bf16 copy.
    let head = min(length, 256) * (config.vocabularySize * 3 / 2 + 3 * width)
    activationBytes = (length * (kept + block + gradients) + head) * MemoryLayout<Float>.stride
  }

  package var json: JSONValue {
    [
      "shared_bytes_a_node": .integer(sharedBytes), "private_bytes_a_rank": .integer(privateBytes),
      "optimizer_bytes": .integer(optimizerBytes), "activation_bytes": .integer(activationBytes),
      "all_reduce_bytes_a_step": .integer(bytesPerStep),
    ]
  }
}
