internal import Datasets
internal import DecoderModel
internal import Kernels
internal import Machine
internal import Planning
internal import Quantization
internal import Reporting
internal import Training

/// What a measured step works on.
struct StepSettings {
  /// Sequences a step.
  var batch = 4
  /// Sequences that go through the model together.
  var microBatch = 1
  /// Tokens a sequence.
  var length = 512
  var training = ScaleTraining()
  /// The backward pass computes products again.
  var recomputing = true
  var streaming = StreamingMode.auto
  /// Bytes that the process and the base may use; nil takes what is free.
  var memoryLimit: Int?
}

/// Real optimizer steps of one rank over random tokens.
final class StepRun {
  let settings: StepSettings
  let threads: Int
  let model: LoadedModel
  let tuning: ScaleTuning
  let plan: MemoryPlan
  /// Of single steps, as far as they were kept.
  private(set) var seconds: [Double] = []
  /// Private bytes after a step, the most so far; a step frees nothing that it holds at its end.
  private(set) var privateBytes = 0
  private(set) var sharedBytes = 0
  /// Where the base is read block by block: what is kept, in words.
  let streaming: String?
  private var read: [Double] = []
  private var step: TrainStep
  private var steps = 0
  private let batch: [BatchSequence]

  init(_ model: LoadedModel, _ compute: Compute, _ settings: StepSettings) throws {
    self.model = model
    self.settings = settings
    threads = compute.pool.threads
    let base = try model.requiredBase()
    let decoder = Decoder(config: model.config, weights: model.weights, compute: compute)
    decoder.recomputesProducts = settings.recomputing
    tuning = ScaleTuning(decoder: decoder, base: base, training: settings.training)
    plan = MemoryPlan(
      model.config, baseBytes: base.byteCount, numbers: base.trained(settings.training),
      pass: PassShape(
        tokens: settings.length * settings.microBatch, sequences: settings.microBatch,
        arithmetic: compute.arithmetic, groupSize: base.finestGroupSize, threads: threads,
        purpose: .training(settings.training, recomputing: settings.recomputing)),
      globalBatchSize: settings.batch, ranks: 1)
    let choice = StreamingChoice(
      settings.streaming, base, plan, ranksOnNode: 1, available: NodeMemory.available(),
      limit: settings.memoryLimit)
    decoder.prefetcher = choice.plan.map { BlockPrefetcher(base, $0, forgets: true) }
    streaming = choice.text
    var config = RunConfig()
    config.globalBatchSize = settings.batch
    config.microBatchSize = settings.microBatch
    step = TrainStep(
      model: tuning, ranks: SingleRank(), config: config,
      schedule: LearningRateSchedule(kind: .constant, peak: 1e-5, warmupSteps: 0, totalSteps: 1))
    var random = SplitMix64(seed: 7)
    let vocabulary = UInt64(model.config.vocabularySize)
    batch = (0..<settings.batch).map { slot in
      let tokens = (0..<settings.length).map { _ in Int32(random.next() % vocabulary) }
      let sequence = PackedSequence(
        tokens: tokens, targets: tokens.dropFirst() + [-1], segmentOffsets: [0], sampleIDs: [slot])
      return BatchSequence(sequence: sequence, slot: slot)
    }
  }

  /// One step; `counted` keeps its time. A request to stop ends it between two passes.
  func take(counted: Bool, _ signals: StopSignals) throws {
    let metrics = try step(
      batch, index: steps,
      stop: {
        if let interruption = signals.interruption { throw interruption }
        return false
      })
    if counted {
      seconds.append(metrics.seconds)
      read.append(Double(metrics.bytesRead))
    }
    steps += 1
    let memory = MemoryUse.current ?? MemoryUse()
    privateBytes = max(privateBytes, memory.privateBytes)
    sharedBytes = max(sharedBytes, memory.sharedBytes)
  }

  /// A step that does not count, unless `cold`, then `repetitions` that do.
  func measure(
    repetitions: Int, _ console: Console, _ signals: StopSignals, cold: Bool = false
  ) throws {
    let total = repetitions + (cold ? 0 : 1)
    let line = ProgressLine(console, "steps", total: total)
    for index in 0..<total {
      try take(counted: cold || index > 0, signals)
      line.update(index + 1)
    }
  }

  /// Bytes of the base read from disk in a step, on average.
  var bytesRead: Double { read.isEmpty ? 0 : read.reduce(0, +) / Double(read.count) }

  var tokens: Int { settings.batch * settings.length }
  var tokensPerSecond: Spread { Spread(seconds).map { Double(tokens) / $0 } }

  /// Operations of a step by formula; see `DecoderFLOPs`.
  var work: Double {
    var training = settings.training
    if model.base?.finestGroupSize ?? -1 == -1 { training.granularity = .row }
    return model.config.stepFLOPs(
      tokens: settings.length, sequences: settings.batch, training
    ).total
  }

  var operations: Double { work / Spread(seconds).median }
}
