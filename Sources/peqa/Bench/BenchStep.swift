internal import ArgumentParser
internal import DecoderModel
internal import JSONText
internal import Kernels
internal import Machine
internal import Planning
internal import Reporting
internal import Training

/// Shape of a measured step on the command line.
struct StepOptions: ParsableArguments {
  @Option(help: "Sequences per step.")
  var batch = 4

  @Option(help: "Sequences that go through the model together.")
  var microBatchSize = 1

  @Option(help: "Tokens a sequence.")
  var length = 512

  @Option(help: "What is trained: row, group or row+column.")
  var scaleGranularity = ScaleGranularity.row

  @Flag(
    inversion: .prefixedNo,
    help: "Compute products again in the backward pass, or keep their outputs.")
  var gradientCheckpointing = true

  @OptionGroup var streaming: StreamingOptions

  func validate() throws {
    guard batch > 0, microBatchSize > 0, length > 1 else {
      throw ValidationError(
        "--batch and --micro-batch-size must be positive, --length at least 2.")
    }
  }

  var settings: StepSettings {
    StepSettings(
      batch: batch, microBatch: min(microBatchSize, batch), length: length,
      training: ScaleTraining(scaleGranularity), recomputing: gradientCheckpointing,
      streaming: streaming.baseStreaming,
      memoryLimit: streaming.limit)
  }
}

/// Whole optimizer steps over random tokens, as training takes them: forward, backward, exact sum,
/// AdamW.
struct BenchStep: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "step", abstract: "Time optimizer steps on random tokens.")

  @OptionGroup var baseOptions: BenchBaseOptions
  @OptionGroup var stepOptions: StepOptions
  @OptionGroup var computing: ComputeOptions
  @OptionGroup var options: BenchOptions

  @Flag(help: "Begin with nothing of the base in memory, and time the first step too.")
  var cold = false

  @Option(help: "The same as --repetitions.")
  var steps: Int?

  func validate() throws {
    if let steps, steps < 1 { throw ValidationError("--steps must be positive.") }
  }

  func run() throws {
    let console = options.console
    let limits = try options.ratioLimits()
    let compute = try computing.compute(automatic: .ofOneProcess(console))
    try baseOptions.withModel(console) { model, signals in
      let ((run, disk), peak) = try compute.besidePeak {
        let run = try StepRun(model, compute, stepOptions.settings)
        if let text = run.streaming { console.log(text) }
        let disk = cold ? try readRate(try model.requiredBase()) : nil
        try run.measure(repetitions: steps ?? options.repetitions, console, signals, cold: cold)
        return (run, disk)
      }
      options.show(table(run, compute, peak, disk: disk), context: compute.context(peak))
      let measured = Double(run.privateBytes) / Double(run.plan.privateBytes)
      try options.hold(
        [.init("memory_measured_by_planned", "private memory", measured)], to: limits)
    }
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

  private func table(
    _ run: StepRun, _ compute: Compute, _ peak: MachinePeak, disk: Double?
  ) -> MeasurementTable {
    var table = MeasurementTable([
      ("batch", "sequences"), ("length", "tokens each"), ("threads", "threads"),
      ("trained_scales", "scales"), ("tokens_per_second_median", "tok/s"),
      ("tokens_per_second_lower_quartile", "lower quartile"),
      ("tokens_per_second_upper_quartile", "upper quartile"),
      ("tokens_per_second_best", "best"), ("tokens_per_second_worst", "worst"),
      ("gflops", "GFLOP/s"), ("share_of_peak", "share of peak"),
      ("peak_private_mb", "private MB"), ("planned_private_mb", "planned MB"),
      ("shared_mb", "shared MB"), ("seconds_per_step", "s/step"),
      ("read_mb_per_step", "read MB/step"), ("disk_mb_per_second", "disk MB/s"),
    ])
    let (rate, settings) = (run.tokensPerSecond, run.settings)
    table.add([
      .integer(settings.batch), .integer(settings.length), .integer(compute.pool.threads),
      .integer(run.tuning.parameterCount), .real(rate.median, digits: rate.median < 100 ? 2 : 1),
      .real(rate.lowerQuartile, digits: 1), .real(rate.upperQuartile, digits: 1),
      .real(rate.greatest, digits: 1), .real(rate.least, digits: 1),
      .real(run.operations / 1e9, digits: 1),
      .real(run.operations / peak.operations(of: compute), digits: 3),
      .real(Double(run.privateBytes) / 1e6, digits: 0),
      .real(Double(run.plan.privateBytes) / 1e6, digits: 0),
      .real(Double(run.sharedBytes) / 1e6, digits: 0),
      .real(Spread(run.seconds).median, digits: 3), .real(run.bytesRead / 1e6, digits: 0),
      disk.map { .real($0 / 1e6, digits: 0) } ?? .empty,
    ])
    return table
  }
}

extension ScaleGranularity: ExpressibleByArgument {}
