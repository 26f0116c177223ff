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

  /// The median of a pass over one sequence.
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
    try steps.measure(
      repetitions: Self.repetitions, console, signals, label: "measuring \(layers) blocks, pass")
    return Spread(steps.seconds).median
  }
}
