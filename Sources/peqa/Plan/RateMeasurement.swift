internal import DecoderModel
internal import Foundation
internal import Interchange
internal import Kernels
internal import Quantization
internal import Training

/// How fast this machine trains a shape: some passes over a base of random codes.
///
/// Small models are measured whole. Of larger ones one block and three are, and the difference tells
/// what a block takes, so that seconds are enough for 65B.
struct RateMeasurement {
  let model: PlannedModel
  let run: RunConfig
  let compute: Compute
  let console: Console
  let signals: StopSignals

  /// Operations and bytes up to which a model is measured whole.
  private static let wholeOperations = 2e12
  private static let wholeBytes = 1_000_000_000
  private static let repetitions = 3
  /// Passes tried, in all, to get so many that no other program disturbed.
  private static let attempts = 10

  /// Operations a second of one thread, recomputation counted.
  func threadRate() throws -> Double {
    let layers = model.config.layerCount
    let operations = self.operations(layers: layers)
    let isSmall = operations <= Self.wholeOperations && model.baseBytes <= Self.wholeBytes
    let seconds: Double
    if isSmall || layers <= 3 {
      seconds = try self.seconds(layers: layers)
    } else {
      let (one, three) = (try self.seconds(layers: 1), try self.seconds(layers: 3))
      seconds = one + (three - one) / 2 * Double(layers - 1)
    }
    return operations / max(seconds, 1e-9) / Double(compute.pool.threads)
  }

  private func config(layers: Int) -> DecoderConfig {
    var config = model.config
    config.layerCount = layers
    return config
  }

  private func operations(layers: Int) -> Double {
    var part = model
    part.config = config(layers: layers)
    return part.operations(
      tokens: run.maxSequenceLength, sequences: 1, granularity: run.scaleGranularity,
      recomputing: run.gradientCheckpointing)
  }

  /// Of a pass over one sequence: the median of those that no other program disturbed, the least of
  /// all where there are none.
  private func seconds(layers: Int) throws -> Double {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("peqa-plan-\(UUID().uuidString.prefix(8))").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let base = try SyntheticBase(
      name: model.name, config: config(layers: layers),
      settings: QuantizationSettings(bits: model.bits, groupSize: model.groupSize))
    do {
      _ = try base.write(to: path, isCancelled: { signals.received != nil })
    } catch QuantizationError.cancelled {
      if let interruption = signals.interruption { throw interruption }
      throw QuantizationError.cancelled
    }
    var settings = StepSettings()
    (settings.batch, settings.length) = (1, run.maxSequenceLength)
    (settings.granularity, settings.recomputing) = (run.scaleGranularity, run.gradientCheckpointing)
    settings.streaming = .off
    let steps = try StepRun(try LoadedModel.open(path), compute, settings)
    try steps.take(counted: false, signals)
    let line = ProgressLine(console, "measuring \(layers) blocks, pass", total: Self.repetitions)
    var calm: [Double] = []
    while calm.count < Self.repetitions, steps.seconds.count < Self.attempts {
      let before = CPUUsage.now()
      try steps.take(counted: true, signals)
      if !isDisturbed(before, CPUUsage.now()) { calm += steps.seconds.suffix(1) }
      line.update(calm.count)
    }
    if calm.isEmpty {
      console.warn(
        "other programs took cores during all \(Self.attempts) passes of the measurement: the seconds of "
          + "this plan may be too many. Measure on a free machine, or give --core-gflops.")
    }
    return calm.isEmpty ? steps.seconds.min() ?? 0 : Spread(calm).median
  }

  /// A tenth of a core went to others that the threads of this process would have needed. Passes too
  /// short for the kernel's ticks of 10 ms to tell count as undisturbed.
  private func isDisturbed(_ before: CPUUsage?, _ after: CPUUsage?) -> Bool {
    guard let before, let after, after.clock - before.clock >= 0.3 else { return false }
    let free = Double(AllowedCPUs().online) - after.foreignCores(since: before)
    return free < Double(compute.pool.threads) - 0.1
  }
}
