internal import ArgumentParser
internal import DecoderModel
internal import Foundation
internal import Interchange
internal import Quantization
internal import Reporting

/// The base that a benchmark works on: one on disk, or a synthetic one that is made for it.
struct BenchBaseOptions: ParsableArguments {
  @Argument(help: ArgumentHelp("Base to measure with; or give --synthetic.", valueName: "base"))
  var base: String?

  @Option(
    help: ArgumentHelp(
      """
      Measure with random weights of a shape: \
      \(DecoderConfig.presets.map(\.name).joined(separator: ", ")) or a config.json.
      """, valueName: "shape"))
  var synthetic: String?

  @Option(help: "Bits of the synthetic base: 2, 3, 4 or 8. (default: 4)")
  var bits: Int?

  @Option(
    parsing: .unconditional,
    help: "Weights that share a scale in it: -1, 32, 64, 128 or 256. (default: -1)")
  var groupSize: Int?

  @Option(help: "Its number of blocks. (default: that of the shape)")
  var layers: Int?

  @Option(help: "Its number of tokens. (default: that of the shape)")
  var vocabulary: Int?

  @Option(
    help: ArgumentHelp(
      "Keep the synthetic base here, and use what is here already if it is the same.",
      valueName: "directory"))
  var keep: String?

  @Option(help: "Seed of its weights. (default: 42)")
  var seed: Int?

  func validate() throws {
    guard (base == nil) != (synthetic == nil) else {
      throw ValidationError("Give a base, or --synthetic with a shape.")
    }
    let forSynthetic = [bits, groupSize, layers, vocabulary, seed].contains { $0 != nil }
    if base != nil, forSynthetic || keep != nil {
      throw ValidationError(
        "--bits, --group-size, --layers, --vocabulary, --seed and --keep go with --synthetic.")
    }
    for (name, value) in [("layers", layers), ("vocabulary", vocabulary)] {
      if let value, value < 1 { throw ValidationError("--\(name) must be positive.") }
    }
  }

  /// Opens the base for `body`, which should ask `signals` now and then and throw `interruption` on
  /// a request: a synthetic base without --keep is removed afterwards.
  ///
  /// - Parameter config: of the synthetic base, in place of a named shape.
  func withModel<Result>(
    _ console: Console, config: DecoderConfig? = nil,
    _ body: (LoadedModel, StopSignals) throws -> Result
  ) throws -> Result {
    let signals = StopSignals.install()
    if let base { return try body(try LoadedModel.open(base), signals) }
    let job = try syntheticBase(config)
    if let keep {
      if !job.isAlready(at: keep) { try make(job, at: keep, console, signals) }
      return try body(try LoadedModel.open(keep), signals)
    }
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("peqa-synthetic-\(UUID().uuidString.prefix(8))").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try make(job, at: path, console, signals)
    return try body(try LoadedModel.open(path), signals)
  }

  private func syntheticBase(_ given: DecoderConfig?) throws -> SyntheticBase {
    let shape = synthetic ?? ""
    var config = try given ?? DecoderConfig.shape(shape)
    if let layers { config.layerCount = layers }
    if let vocabulary { config.vocabularySize = vocabulary }
    return try SyntheticBase(
      name: URL(fileURLWithPath: shape).lastPathComponent, config: config,
      settings: QuantizationSettings(bits: bits ?? 4, groupSize: groupSize ?? -1),
      seed: seed ?? 42)
  }

  private func make(
    _ job: SyntheticBase, at path: String, _ console: Console, _ signals: StopSignals
  ) throws {
    let line = ProgressLine(console, "synthetic base, MB", total: job.byteCount / 1_000_000)
    do {
      _ = try job.write(
        to: path, isCancelled: { signals.received != nil },
        progress: { done, _ in line.update(done / 1_000_000) })
    } catch QuantizationError.cancelled {
      throw signals.interruption ?? ExitCode.failure
    }
    console.log("synthetic base: \(megabytes(job.byteCount)) in \(path)")
  }
}

extension StopSignals {
  /// What to throw for a request to stop; nil where there was none.
  var interruption: ExitCode? { received.map { ExitCode($0.exitCode) } }
}
