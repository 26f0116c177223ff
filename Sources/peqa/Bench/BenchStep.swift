internal import ArgumentParser
internal import Datasets
internal import DecoderModel
internal import Foundation
internal import JSONText
internal import Kernels
internal import Training

/// Whole optimizer steps over random tokens, as training takes them.
struct BenchStep: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "step", abstract: "Time training steps on random tokens.")

  @OptionGroup var baseOptions: BenchBaseOptions

  @Option(help: "Sequences a step.")
  var batch = 4

  @Option(help: "Tokens a sequence.")
  var length = 512

  @Option(help: "Sequences that share a pass through the model.")
  var microBatchSize = 1

  @Option(help: "Steps that are timed, after one that is not.")
  var steps = 5

  @Flag(help: "Begin with nothing of the base in memory, and time the first step too.")
  var cold = false

  @Option(help: "Read the base from disk block by block: auto, on or off.")
  var baseStreaming = StreamingMode.auto

  @Option(help: "GB that this process and the base may use; 0 takes what is free.")
  var memoryLimit = 0.0

  @Option(help: "What is trained: row or group.")
  var scaleGranularity = ScaleGranularity.row

  @Flag(
    inversion: .prefixedNo,
    help: "Compute products again in the backward pass, or keep their outputs.")
  var gradientCheckpointing = true

  @OptionGroup var computing: ComputeOptions
  @OptionGroup var outputOptions: OutputOptions

  func validate() throws {
    guard batch > 0, length > 1, steps > 0, microBatchSize > 0, memoryLimit >= 0 else {
      throw ValidationError(
        "--batch, --steps and --micro-batch-size must be positive, --length at least 2.")
    }
  }

  func run() throws {
    let console = Console()
    let compute = try computing.compute(automatic: .ofOneProcess(console))
    try baseOptions.withModel(console) { model, signals in
      try measure(model, compute, signals)
    }
  }

  private func measure(
    _ model: LoadedModel, _ compute: Compute, _ signals: StopSignals
  ) throws {
    let decoder = Decoder(config: model.config, weights: model.weights, compute: compute)
    decoder.recomputesProducts = gradientCheckpointing
    let base = try model.requiredBase()
    let tuning = ScaleTuning(
      decoder: decoder, base: base, granularity: scaleGranularity, parametrization: .relative)
    let plan = MemoryPlan(
      base.config, baseBytes: base.byteCount, parameters: tuning.parameterCount,
      length: length * min(microBatchSize, batch), globalBatchSize: batch, ranks: 1,
      recomputing: gradientCheckpointing)
    let choice = StreamingChoice(
      baseStreaming, base, plan, ranksOnNode: 1, available: NodeMemory.available(),
      limit: memoryLimit > 0 ? Int(memoryLimit * 1e9) : nil)
    decoder.stream = choice.plan.map { BaseStream(base, $0, forgets: true) }
    if let text = choice.text { Console().log(text) }
    let diskRate = cold ? try readRate(base) : nil
    let taken = try takeSteps(tuning, model.config.vocabularySize, signals)
    let rates = taken.map { Double(batch * length) / $0.seconds }.sorted(by: >)
    let read = taken.map { Double($0.bytesRead) }.reduce(0, +) / Double(taken.count)
    report(rates, compute, trained: tuning.parameterCount, bytesRead: read, diskRate: diskRate)
  }

  /// Bytes a second of the disk under the base, of 4 GB at most; leaves nothing of it in memory.
  private func readRate(_ base: QuantizedBase) throws -> Double {
    let blocks = base.blockBytes
    for layer in blocks.indices { base.drop(layer: layer, fromCache: true) }
    let clock = Stopwatch()
    var bytes = 0
    for layer in blocks.indices where bytes < 4_000_000_000 {
      try base.load(layer: layer)
      bytes += blocks[layer]
    }
    let rate = Double(bytes) / clock.seconds
    for layer in blocks.indices { base.drop(layer: layer, fromCache: true) }
    return rate
  }

  private func takeSteps(
    _ tuning: ScaleTuning, _ vocabulary: Int, _ signals: StopSignals
  ) throws -> [StepMetrics] {
    var config = RunConfig()
    config.globalBatchSize = batch
    config.microBatchSize = microBatchSize
    var step = TrainStep(
      model: tuning, ranks: SingleRank(), config: config,
      schedule: LearningRateSchedule(config, totalSteps: steps + 1))
    var generator = SystemRandomNumberGenerator()
    var taken: [StepMetrics] = []
    for index in 0..<(cold ? steps : steps + 1) {
      let sequences = (0..<batch).map { place in
        let tokens = (0..<length).map { _ in
          Int32.random(in: 0..<Int32(vocabulary), using: &generator)
        }
        return BatchSequence(
          sequence: PackedSequence(
            tokens: tokens, targets: tokens.dropFirst() + [-1], segmentStarts: [0],
            sampleIDs: [place]), place: place)
      }
      taken.append(
        try step(sequences, index: index) {
          if let interruption = signals.interruption { throw interruption }
          return false
        })
    }
    return cold ? taken : Array(taken.dropFirst())
  }

  private func report(
    _ rates: [Double], _ compute: Compute, trained: Int, bytesRead: Double, diskRate: Double?
  ) {
    let console = Console()
    let median = rates[rates.count / 2]
    let memory = MemoryUse.current ?? MemoryUse()
    /// Large models make less than a token a second.
    func rate(_ value: Double) -> String { String(format: value < 100 ? "%.2f" : "%.0f", value) }
    let disk = diskRate.map { ", of a disk that gives \(Int($0 / 1e6)) MB/s" } ?? ""
    if outputOptions.json {
      let result: JSONValue = [
        "tokens_per_second_median": .real(median), "tokens_per_second_best": .real(rates[0]),
        "tokens_per_second_worst": .real(rates[rates.count - 1]), "batch": .integer(batch),
        "length": .integer(length), "threads": .integer(compute.pool.threads),
        "kernel_path": .string(compute.instructionSet.rawValue),
        "dtype": .string(compute.precision.rawValue), "trained_scales": .integer(trained),
        "peak_private_mb": .real(Double(memory.privateBytes) / 1e6),
        "shared_mb": .real(Double(memory.sharedBytes) / 1e6),
        "seconds_a_step": .real(Double(batch * length) / median),
        "read_mb_a_step": .real(bytesRead / 1e6),
        "disk_mb_per_second": diskRate.map { .real($0 / 1e6) } ?? .null,
      ]
      console.result(result.text())
    } else {
      console.result(
        """
        \(batch) x \(length) tokens, \(compute.pool.threads) threads, \
        \(compute.instructionSet.rawValue), \(compute.precision.rawValue)
        tokens/s        \(rate(median)) median (\(rate(rates[rates.count - 1])) to \(rate(rates[0])))
        seconds a step  \(rate(Double(batch * length) / median))
        private memory  \(memory.privateBytes / 1_000_000) MB
        shared memory   \(memory.sharedBytes / 1_000_000) MB
        read from disk  \(Int(bytesRead / 1e6)) MB a step\(disk)
        """)
    }
  }
}

extension ScaleGranularity: ExpressibleByArgument {}
extension StreamingMode: ExpressibleByArgument {}
