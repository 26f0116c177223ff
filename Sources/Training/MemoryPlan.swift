package import DecoderModel
package import JSONText

/// What a rank will need, told before anything is allocated.
package struct MemoryPlan: Sendable, Equatable {
  /// The mapped base: one copy a node, for all its ranks.
  package var sharedBytes: Int
  /// The program itself: heap, stacks and tables of its libraries.
  package var programBytes: Int
  /// What opening a base takes beside the mapping: its index, norms and biases.
  package var openBytes: Int
  /// Masters, moments, gradient and the exact sum.
  package var optimizerBytes: Int
  /// Activations, gradients and workspace of one pass over the longest sequences.
  package var activationBytes: Int
  /// What each rank gives to the all-reduce of one step.
  package var bytesPerStep: Int

  /// One checkpoint on disk: masters and moments as F32, the adapter as F16 or F32, and small files.
  package var checkpointBytes: Int

  package var privateBytes: Int {
    programBytes + openBytes + optimizerBytes + activationBytes
  }

  /// - Parameters:
  ///   - parameters: P, the trained numbers.
  ///   - length: tokens of the longest pass.
  ///   - recomputing: products are computed again in the backward pass, not kept.
  ///   - training: `group` where scales of groups are trained, whose gradients need copies of both
  ///     operands.
  package init(
    _ config: DecoderConfig, baseBytes: Int, parameters: Int, length: Int, globalBatchSize: Int,
    ranks: Int, recomputing: Bool, training granularity: ScaleGranularity = .row
  ) {
    let slots = parameters + 6 + 2 * ranks + globalBatchSize
    let float = MemoryLayout<Float>.stride
    sharedBytes = baseBytes
    bytesPerStep = slots * MemoryLayout<Int64>.stride
    programBytes = Self.programBytes
    openBytes = Self.openBytes(config)
    // Masters, two moments and the mean gradient as fp32, the scales in use as fp16 or fp32.
    optimizerBytes = bytesPerStep + parameters * 5 * float
    checkpointBytes = parameters * 4 * float + 100_000
    activationBytes =
      Self.activationNumbers(
        config, length: length, recomputing: recomputing, granularity: granularity) * float
      + Self.operandBytes(config, length: length, granularity: granularity)
  }

  /// For a run over a base, whose longest pass is taken to be as long as it may be.
  package init(_ run: RunConfig, _ base: QuantizedBase, parameters: Int, ranks: Int) {
    let share = (run.globalBatchSize + ranks - 1) / ranks
    self.init(
      base.config, baseBytes: base.byteCount, parameters: parameters,
      length: run.maxSequenceLength * min(run.microBatchSize, share),
      globalBatchSize: run.globalBatchSize, ranks: ranks,
      recomputing: run.gradientCheckpointing, training: run.scaleGranularity)
  }

  /// What a process needs that only goes forward: by passes of `length` tokens, with keys and values of
  /// `cached` ones.
  package static func forwardBytes(_ config: DecoderConfig, length: Int, cached: Int = 0) -> Int {
    let (float, width) = (MemoryLayout<Float>.stride, config.hiddenSize)
    let numbers = length * (3 * width + blockNumbers(config)) + headNumbers(config, length: length)
    let cache = 2 * config.layerCount * cached * config.keyWidth
    return programBytes + openBytes(config) + (numbers + cache) * float
      + operandBytes(config, length: length, granularity: .row)
  }

  private static func openBytes(_ config: DecoderConfig) -> Int {
    (2 * config.layerCount + 1) * config.hiddenSize * MemoryLayout<Float>.stride
  }

  /// fp32 numbers a token of what belongs to the block at hand. Inputs of products are bf16 operands.
  private static func blockNumbers(_ config: DecoderConfig) -> Int {
    let queries = config.queryWidth
    let keys = config.keyWidth
    return config.hiddenSize + 3 * queries + (config.attentionBias ? 4 : 3) * keys
      + config.headCount + 2 * config.intermediateSize + config.headSize + 2
  }

  /// Logits of up to 256 positions, and what leads to them.
  private static func headNumbers(_ config: DecoderConfig, length: Int) -> Int {
    min(length, 256) * (config.vocabularySize + 3 * config.hiddenSize)
  }

  /// Heap of a program that has done nothing: the Swift runtime, MPI, OpenBLAS, stacks. Measured.
  private static let programBytes = 5_000_000

  /// fp32 numbers of one pass. (Buffers for 256 positions of logits are touched as far as used.)
  private static func activationNumbers(
    _ config: DecoderConfig, length: Int, recomputing: Bool, granularity: ScaleGranularity
  ) -> Int {
    let (width, inner) = (config.hiddenSize, config.intermediateSize)
    let queries = config.queryWidth
    let keys = config.keyWidth
    // Both residual streams of every block are kept; all else belongs to the block at hand.
    let streams = (2 * config.layerCount + 1) * width
    let products = 2 * queries + 2 * keys + config.headCount + 2 * inner
    let kept = streams + (recomputing ? 0 : (config.layerCount - 1) * products)
    // Inputs of products as fp32 too, for gradients of groups.
    let inputs = granularity == .group ? 2 * width + inner : 0
    let block = blockNumbers(config) + inputs
    let heads = config.headGradientCount(tokens: 1)
    let gradients =
      2 * width + 2 * queries + heads + 2 * keys + (granularity == .group ? 2 : 1) * inner
    return length * (kept + block + gradients) + headNumbers(config, length: length)
  }

  /// bf16 copies of operands: the widest of a product, a second one for the two gradients behind the
  /// activation, and two for the gradients of groups.
  private static func operandBytes(
    _ config: DecoderConfig, length: Int, granularity: ScaleGranularity
  ) -> Int {
    let queries = config.queryWidth
    let widest = length * max(config.hiddenSize, config.intermediateSize, queries)
    let logits = min(length, 256) * config.vocabularySize
    return 2 * (max(widest, logits) + (granularity == .group ? 2 : 1) * widest)
  }

  package var json: JSONValue {
    [
      "shared_bytes_a_node": .integer(sharedBytes), "private_bytes_a_rank": .integer(privateBytes),
      "program_bytes": .integer(programBytes + openBytes),
      "optimizer_bytes": .integer(optimizerBytes), "activation_bytes": .integer(activationBytes),
      "all_reduce_bytes_a_step": .integer(bytesPerStep),
    ]
  }
}
