internal import ArgumentParser
internal import Calibration
internal import Checkpoints
internal import Collectives
internal import DecoderModel
internal import Foundation
internal import Interchange
internal import JSONText
internal import Kernels
internal import Machine
internal import Quantization
internal import Reporting
internal import Tokenization
internal import Training

/// `peqa quantize`: makes the frozen base that all tasks share.
struct Quantize: RankedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Quantize a model: make the frozen base that every task's scales belong to.",
    discussion: """
      MODEL is a Hugging Face directory (config.json and safetensors), in full precision or \
      quantized, or a .gguf file. BASE is a \
      directory that appears when it is complete: peqa_base.json, base.safetensors, config.json \
      and the tokenizer's files.
      """)

  @Argument(help: ArgumentHelp("Hugging Face directory or .gguf file.", valueName: "model"))
  var model: String

  @Option(name: .shortAndLong, help: ArgumentHelp("Directory to make.", valueName: "base"))
  var output: String

  @Option(help: "Bits a weight: 2, 3, 4 or 8. (default: 4)")
  var bits: Int?

  @Option(
    parsing: .unconditional,
    help: "Weights that share a scale: -1 for one scale per row, or 32, 64, 128, 256. (default: -1)"
  )
  var groupSize: Int?

  @Flag(help: "Fix zero points at the middle of the codes.")
  var sym = false

  @Flag(
    name: [.customLong("keep-codes"), .customLong("reuse-quantization")],
    help: ArgumentHelp(
      "Take the integers of a quantized model as they are: GPTQ, AWQ, MLX, compressed-tensors, GGUF.",
      discussion: "\"peqa export\" then gives the same file back, with other scales."))
  var reusesCodes = false

  @OptionGroup(title: "Calibration") var calibrating: CalibrationOptionGroup
  @OptionGroup var threading: ThreadOptions

  @Flag(help: "Quantize to 2 bits although the result will be poor.")
  var allowPoorQuality = false

  @Flag(help: "Replace a base that is there already.")
  var overwrite = false

  @Flag(help: "Check everything and print sizes; write nothing.")
  var dryRun = false

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var verbosity: VerbosityOptions

  func validate() throws {
    if reusesCodes && (bits != nil || groupSize != nil || sym) {
      throw ValidationError(
        "--keep-codes takes bits and groups from the file: leave out --bits, "
          + "--group-size, --sym."
      )
    }
  }

  private var method: QuantizationSettings.Method {
    calibrating.method ?? (calibrating.calibration == nil ? .rtn : .gptq)
  }

  func run(on rank: RankContext) throws {
    let options = QuantizeOptions(
      settings: QuantizationSettings(
        bits: bits ?? 4, groupSize: groupSize ?? -1, symmetric: sym, method: method),
      reusesCodes: reusesCodes, allowPoorQuality: allowPoorQuality, overwrite: overwrite)
    if !reusesCodes { try options.settings.validate(allowingPoorQuality: allowPoorQuality) }
    let source = try ModelSource.open(model)
    let pool = WorkerPool(threads: threading.threads ?? rank.threads.count)
    let signals = StopSignals.install()
    do {
      if method == .rtn || reusesCodes || dryRun {
        // Rounding is soon done: one rank does it.
        guard rank.communicator.rank == 0 else { return }
        try make(source, options, nil, pool, signals, rank)
      } else {
        try calibrate(source, options, pool, signals, rank)
      }
    } catch QuantizationError.cancelled {
      try fail(QuantizationError.cancelled, signals, rank)
    } catch CalibrationError.cancelled {
      try fail(CalibrationError.cancelled, signals, rank)
    }
  }

  private func fail(
    _ error: any Error, _ signals: StopSignals, _ rank: RankContext
  ) throws {
    rank.console.fail("\(error)")
    throw ExitCode(signals.received?.exitCode ?? QuantizationError.cancelled.exitCode)
  }

  private func make(
    _ source: ModelSource, _ options: QuantizeOptions, _ codes: CalibratedCodes?,
    _ pool: WorkerPool, _ signals: StopSignals, _ rank: RankContext
  ) throws {
    let console = rank.console
    let line = ProgressLine(console, "quantize", total: 1000)
    let job = QuantizeModel(
      source, options, pool: pool, codes: codes, isCancelled: { signals.received != nil },
      progress: {
        if codes == nil { line.update($0.weightsDone * 1000 / max($0.weights, 1), $0.tensor) }
      })
    if dryRun { return show(try job.plan(output: output), source, console) }
    clearLeftovers(console)
    let report = try job.run(output: output)
    if codes == nil { line.finish(1000) }
    show(report, console)
  }

  /// All ranks find the codes; the first writes them.
  private func calibrate(
    _ source: ModelSource, _ options: QuantizeOptions, _ pool: WorkerPool,
    _ signals: StopSignals, _ rank: RankContext
  ) throws {
    let console = rank.console
    let compute = try KernelChoice.compute(threads: pool.threads, dtype: .fp32)
    let set = try calibrating.set(try Tokenizer.load(from: model))
    console.log(
      "calibrating on \(set.sequences.count) sequences of \(set.length) tokens; "
        + "\(set.heldOut.count) more are kept aside to judge by")
    let own = calibrating.options(
      method, text: URL(fileURLWithPath: calibrating.calibration ?? "").lastPathComponent)
    var line: ProgressLine?
    let codes = try CalibratedCodes(
      source, options.settings, own, set, compute: compute, communicator: rank.communicator,
      isCancelled: { signals.received != nil },
      progress: {
        let shown = line ?? ProgressLine(console, "quantize", total: $0.total)
        line = shown
        if $0.done == $0.total { shown.finish($0.done) } else { shown.update($0.done, $0.text) }
      })
    guard rank.communicator.rank == 0 else {
      _ = try codes.follow()
      return
    }
    try make(source, options, codes, compute.pool, signals, rank)
  }

  /// What quantizations to the same place that were killed have left.
  private func clearLeftovers(_ console: Console) {
    let leftovers = StagedDirectory.clearLeftovers(of: output)
    for path in leftovers.removed {
      console.log("removed \(path): a quantization that was killed had left it half-made")
    }
    for path in leftovers.replaced {
      console.warn(
        "\(path) is the base that stood at \(output) when a quantization with --overwrite was "
          + "killed. Give it a name to keep it, or remove it.")
    }
  }

  private func show(_ plan: QuantizePlan, _ source: ModelSource, _ console: Console) {
    if outputOptions.json {
      let plan: JSONValue = [
        "dry_run": true, "output": .string(output), "bits": .integer(plan.settings.bits),
        "group_size": .integer(plan.settings.groupSize), "sym": .bool(plan.settings.symmetric),
        "keep_codes": .bool(plan.reusesCodes), "source_bytes": .integer(source.byteCount),
        "base_bytes": .integer(plan.byteCount), "weights": .integer(plan.weightCount),
        "scales": .integer(plan.scaleCount),
      ]
      console.result(plan.text(indent: 2))
      return
    }
    console.result("Would write \(output): \(plan.settings.summary)")
    let sizes = SizeTable(
      source: source.byteCount, base: plan.byteCount, weights: plan.weightCount,
      scales: plan.scaleCount)
    for line in sizes.lines { console.result(line) }
  }

  private func show(_ report: QuantizeReport, _ console: Console) {
    if outputOptions.json {
      console.result(report.json.text(indent: 2))
      return
    }
    console.result("\(report.output): \(report.manifest.settings.summary)")
    let sizes = SizeTable(
      source: report.sourceBytes, base: report.baseBytes, weights: report.weightCount,
      scales: report.scaleCount)
    for line in sizes.lines { console.result(line) }
    var errors = TextTable(("linear layers", .left), ("relative error", .right))
    for kind in report.errors.kinds {
      errors.add(kind.rawValue, percent(report.errors.relative(kind)))
    }
    errors.add("all", percent(report.errors.relative(nil)))
    console.result()
    for line in errors.lines { console.result(line) }
    if let heldOut = report.manifest.quality["held_out"] {
      func number(_ key: String) -> String { fixed(heldOut[key]?.double ?? 0, digits: 4) }
      console.result()
      console.result(
        "text kept aside: perplexity \(number("perplexity_before")) -> \(number("perplexity")), "
          + "divergence \(number("divergence")) nats a token")
    }
    console.result()
    console.result("sha256 \(report.manifest.baseDigest)")
    console.result("done in \(ProgressLine.duration(report.seconds))")
  }

  private func percent(_ share: Double) -> String { "\(fixed(share * 100, digits: 3)) %" }
}

extension QuantizationSettings {
  /// `4 bits, groups of 64, asymmetric`.
  var summary: String {
    "\(bits) bits, \(groupSize == -1 ? "one scale per row" : "groups of \(groupSize)"), "
      + (symmetric ? "symmetric" : "asymmetric")
  }
}

/// What a base takes, before and after.
private struct SizeTable {
  var source: Int
  var base: Int
  var weights: Int
  var scales: Int

  var lines: [String] {
    var table = TextTable(("", .left), ("", .right))
    table.add("model", megabytes(source))
    table.add("base", megabytes(base))
    table.add("quantized weights", "\(weights)")
    table.add("scales", "\(scales)")
    return Array(table.lines.dropFirst())
  }
}
