package import DecoderModel
package import JSONText
package import Kernels
internal import Quantization
package import Training

/// What a rank will need, computed before anything is allocated.
package struct MemoryPlan: Sendable, Equatable {
  /// The mapped base: one copy per node, for all its ranks.
  package var sharedBytes: Int
  /// The program itself: heap, stacks and tables of its libraries.
  package var programBytes: Int
  /// What opening a base takes beside the mapping: its index, norms and biases.
  package var openBytes: Int
  /// Masters, moments, gradient and the exact sum.
  package var optimizerBytes: Int
  /// Activations, gradients and workspace of one pass over the longest sequences.
  package var activationBytes: Int
  /// What evaluations between steps take beside that: activations of passes forward, and keys and
  /// values of tasks.
  package var evaluationBytes: Int
  /// What each rank gives to the all-reduce of one step.
  package var bytesPerStep: Int

  /// One checkpoint on disk: masters and moments as F32, the adapter as F16 or F32, and small
  /// files.
  package var checkpointBytes: Int

  package var privateBytes: Int {
    programBytes + openBytes + optimizerBytes + activationBytes + evaluationBytes
  }

  /// - Parameters:
  ///   - numbers: P, and what an adapter holds.
  ///   - pass: the longest pass of a rank.
  ///   - evaluation: of a run that evaluates between its steps.
  package init(
    _ config: DecoderConfig, baseBytes: Int, numbers: TrainedNumbers, pass: PassShape,
    evaluation: EvaluationSize = EvaluationSize(), globalBatchSize: Int, ranks: Int
  ) {
    let parameters = numbers.masters
    let slots = TrainStep.summedNumbers(
      parameters: parameters, ranks: ranks, batch: globalBatchSize)
    let float = MemoryLayout<Float>.stride
    sharedBytes = baseBytes
    bytesPerStep = slots * MemoryLayout<Int64>.stride
    programBytes = Self.programBytes
    openBytes = Self.openBytes(config)
    // Masters, two moments and the mean gradient as fp32, the scales in use as fp16 or fp32.
    optimizerBytes = bytesPerStep + (parameters * 4 + numbers.stored) * float
    checkpointBytes = (parameters * 3 + numbers.stored) * float + 100_000
    let training = PassMemory(config, pass)
    activationBytes = training.bytes
    evaluationBytes =
      training.added(by: evaluation.passes(like: pass).map { PassMemory(config, $0) })
      + Self.cacheBytes(config, tokens: evaluation.cached ?? 0, pass.precision)
  }

  /// For a run over a base, whose passes are taken to be as long as they may be.
  ///
  /// - Parameter cached: `TaskSet.cachedTokens` of the run's tasks, where these have been read.
  package init(
    _ run: RunConfig, _ base: QuantizedBase, ranks: Int, arithmetic: Arithmetic, threads: Int,
    cached: Int? = nil
  ) {
    self.init(
      base.config, baseBytes: base.byteCount, numbers: base.trained(run.scaleTraining),
      pass: PassShape(
        run, ranks: ranks, groupSize: base.finestGroupSize,
        arithmetic: arithmetic, threads: threads),
      evaluation: EvaluationSize(run, cached: cached), globalBatchSize: run.globalBatchSize,
      ranks: ranks)
  }

  /// What a process needs that only goes forward: by passes of `length` tokens, with keys and
  /// values of `cached` tokens.
  package static func forwardBytes(
    _ config: DecoderConfig, length: Int, cached: Int = 0, compute: Compute
  ) -> Int {
    let pass = PassShape(
      tokens: length, arithmetic: compute.arithmetic, groupSize: -1,
      threads: compute.pool.threads, purpose: .forward)
    return programBytes + openBytes(config) + PassMemory(config, pass).bytes
      + cacheBytes(config, tokens: cached, compute.precision)
  }

  /// Keys and values of so many tokens, as `KeyValueCache` keeps them.
  private static func cacheBytes(
    _ config: DecoderConfig, tokens: Int, _ precision: Precision
  ) -> Int {
    2 * config.layerCount * tokens * config.keyWidth * (precision == .bf16 ? 2 : 4)
  }

  private static func openBytes(_ config: DecoderConfig) -> Int {
    let numbers = config.expectedTensors.reduce(0) { sum, tensor in
      if case .norm = tensor.role { sum + tensor.shape.reduce(1, *) } else { sum }
    }
    return numbers * MemoryLayout<Float>.stride
  }

  /// Heap of a program that has done nothing: the Swift runtime, MPI, OpenBLAS, stacks. Measured.
  private static let programBytes = 5_000_000

  package var json: JSONValue {
    [
      "shared_bytes_per_node": .integer(sharedBytes),
      "private_bytes_per_rank": .integer(privateBytes),
      "program_bytes": .integer(programBytes + openBytes),
      "optimizer_bytes": .integer(optimizerBytes), "activation_bytes": .integer(activationBytes),
      "evaluation_bytes": .integer(evaluationBytes),
      "all_reduce_bytes_per_step": .integer(bytesPerStep),
    ]
  }
}

extension PassShape {
  /// The longest pass of a rank in a run: `micro_batch_size` sequences of `length` tokens, or
  /// `max_seq_length` where no length is given.
  package init(
    _ run: RunConfig, ranks: Int, groupSize: Int, arithmetic: Arithmetic, threads: Int,
    length: Int? = nil
  ) {
    let share = (run.globalBatchSize + ranks - 1) / ranks
    let sequences = min(run.microBatchSize, share)
    self.init(
      tokens: (length ?? run.maxSequenceLength) * sequences, sequences: sequences,
      arithmetic: arithmetic, groupSize: groupSize, threads: threads,
      purpose: .training(run.scaleTraining, recomputing: run.gradientCheckpointing))
  }
}
