internal import ArgumentParser
internal import Checkpoints
internal import DecoderModel
internal import Foundation
internal import Interchange
internal import JSONText
internal import Kernels
internal import Quantization
internal import Reporting

/// `peqa export`: a base with a task's scales, as a file of another program.
struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a base, with a task's scales, as a file that other programs serve.",
    discussion: """
      A base that was imported with "peqa quantize --keep-codes" goes back to its own format: the \
      same tensors in the same order, of which only the scales have changed. Other formats are \
      written where they can hold the weights exactly; where they cannot, the error is shown and \
      nothing is written without --lossy. Everything is read back and compared at the end.
      """)

  @Argument(help: ArgumentHelp("Base directory.", valueName: "base"))
  var base: String

  @Option(help: ArgumentHelp("Directory of the task's scales.", valueName: "directory"))
  var adapter: String?

  @Option(help: ArgumentHelp("One of \(ExportFormat.names).", valueName: "format"))
  var format: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Directory to make; for gguf a file, where the name ends in .gguf.", valueName: "output"))
  var output: String

  @Option(help: "Numbers of hf: fp16, bf16 or fp32. (default: fp16)")
  var dtype: String?

  @Flag(help: "Write although weights change, by what was shown.")
  var lossy = false

  @Flag(
    help: ArgumentHelp(
      "Write the scales alone: one safetensors file with the names of the format.",
      discussion: "To be put in place of those of the whole export; gptq, awq and mlx."))
  var adapterOnly = false

  @OptionGroup var threading: ThreadOptions

  @Flag(help: "Replace an export that is there already.")
  var overwrite = false

  @Flag(help: "Say what would be written and how exact it is; write nothing.")
  var dryRun = false

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var verbosity: VerbosityOptions

  func validate() throws {
    guard ExportFormat(rawValue: format) != nil else {
      throw ValidationError("--format must be one of \(ExportFormat.names).")
    }
    if let dtype {
      guard ExportOptions.FullPrecision(rawValue: dtype) != nil else {
        throw ValidationError("--dtype must be fp16, bf16 or fp32.")
      }
      guard format == ExportFormat.hf.rawValue else {
        throw ValidationError(
          "--dtype is for --format hf: quantized formats have types of their own.")
      }
    }
    if adapterOnly && adapter == nil {
      throw ValidationError("--adapter-only writes the scales of an adapter: give --adapter.")
    }
  }

  func run() throws {
    let console = Console(verbosity: verbosity.level)
    let options = ExportOptions(
      format: ExportFormat(rawValue: format) ?? .hf, allowsLoss: lossy, overwrite: overwrite,
      dtype: dtype.flatMap(ExportOptions.FullPrecision.init) ?? .fp16)
    let tuned = try TunedBase(QuantizedBase(path: base), adapter: adapter)
    let signals = StopSignals.install()
    let lines = ExportLines(console)
    let job = ExportJob(
      tuned, options, pool: threading.pool(console),
      isCancelled: { signals.received != nil }, progress: { lines.show($0) })
    do {
      if dryRun {
        show(try job.plan(), console)
      } else if adapterOnly {
        let report = try job.runScales(output: output)
        if report.tensors == 0 { console.warn("the format has no scales of this base") }
        console.result("\(output): \(report.tensors) tensors, \(megabytes(report.bytes))")
      } else {
        clearLeftovers(console)
        show(try job.run(output: output), console)
      }
    } catch QuantizationError.cancelled {
      console.fail("\(QuantizationError.cancelled)")
      throw ExitCode(signals.received?.exitCode ?? QuantizationError.cancelled.exitCode)
    }
  }

  private func clearLeftovers(_ console: Console) {
    for path in StagedDirectory.clearLeftovers(of: output).removed {
      console.log("removed \(path): an export that was killed had left it half-made")
    }
  }

  private func show(_ plan: ExportPlan, _ console: Console) {
    if outputOptions.json {
      let text: JSONValue = [
        "dry_run": true, "output": .string(output), "format": .string(format),
        "hands_back": .bool(plan.handsBack), "exact": .bool(plan.isExact),
        "bytes": .integer(plan.byteCount),
      ]
      return console.result(text.text(indent: 2))
    }
    console.result("Would write \(output): \(megabytes(plan.byteCount))")
    show(plan.tensors, handsBack: plan.handsBack, console)
    for note in plan.notes { console.warn(note) }
  }

  private func show(_ report: ExportReport, _ console: Console) {
    if outputOptions.json { return console.result(report.json.text(indent: 2)) }
    console.result("\(report.output): \(megabytes(report.bytes))")
    show(report.tensors, handsBack: report.handsBack, console)
    for note in report.notes { console.warn(note) }
    console.result(
      "read back: largest difference of a weight \(scientific(report.largestDifference))"
        + (report.lossDifference.map { ", of a token's loss \(scientific($0))" } ?? ""))
    console.result("done in \(durationText(report.seconds))")
  }

  /// Tensors of one form together; those that changed one by one, the worst first.
  private func show(_ tensors: [ExportedTensor], handsBack: Bool, _ console: Console) {
    if handsBack { console.result("the imported file, with the same tensors in the same order") }
    var table = TextTable(("stored as", .left), ("tensors", .right), ("exact", .right))
    var forms: [String] = []
    for tensor in tensors where !forms.contains(tensor.form) { forms.append(tensor.form) }
    for form in forms {
      let own = tensors.filter { $0.form == form }
      table.add(form, "\(own.count)", "\(own.count { $0.isExact })")
    }
    for line in table.lines { console.result(line) }
    let changed = tensors.filter { !$0.isExact }.sorted { $0.relativeError > $1.relativeError }
    guard !changed.isEmpty else {
      return console.result("every weight is exactly what was trained")
    }
    for tensor in changed.prefix(5) {
      console.result(
        "\(tensor.name): changed by \(scientific(tensor.relativeError)) of its norm, a weight by "
          + "up to \(scientific(tensor.largestError))")
    }
    if changed.count > 5 { console.result("and \(changed.count - 5) more") }
  }

  private func scientific(_ value: Double) -> String {
    value == 0 ? "0" : String(format: "%.2g", value)
  }
}

/// Progress lines of an export, one for each stage.
private final class ExportLines {
  private let console: Console
  private var line: (stage: ExportJob.Progress.Stage, line: ProgressLine)?

  init(_ console: Console) { self.console = console }

  func show(_ progress: ExportJob.Progress) {
    if line?.stage != progress.stage {
      line = (progress.stage, ProgressLine(console, progress.stage.rawValue, total: 1000))
    }
    line?.line.update(Int(Double(progress.done) / Double(max(1, progress.total)) * 1000))
  }
}
