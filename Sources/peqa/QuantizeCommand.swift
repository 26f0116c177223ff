internal import ArgumentParser
internal import Calibration
internal import Checkpoints
internal import Collectives
internal import DecoderModel
internal import Interchange
internal import Kernels
internal import Machine
internal import Quantization
internal import Reporting
internal import Tokenization

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

  @Option(help: "Bits a weight: 2, 3, 4 or 8; or auto, where each layer gets its own. (default: 4)")
  var bits: BitsOption?

  @Option(help: "Bytes that base.safetensors may take, for --bits auto: such as 1.9GB or 800MiB.")
  var size: SizeOption?

  @Option(
    parsing: .unconditional,
    help: "Weights that share a scale: -1 for one scale per row, or 32, 64, 128, 256. (default: -1)"
  )
  var groupSize: Int?

  @Option(
    help: ArgumentHelp(
      "Bits of embeddings and output matrix: 16, or 8 in groups of 64.",
      discussion: "8 halve them; products with them stay in floating point."
    ))
  var vocabularyBits = VocabularyBits.sixteen

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
    if reusesCodes && (bits != nil || groupSize != nil || sym || vocabularyBits != .sixteen) {
      throw ValidationError(
        "--keep-codes takes bits and groups from the file: leave out --bits, "
          + "--group-size, --vocabulary-bits, --sym."
      )
    }
    if sym, calibrating.zeroRate > 0 {
      throw ValidationError("--sym fixes zero points: leave out --zero-rate.")
    }
    guard bits == .auto else {
      guard size == nil else { throw ValidationError("--size goes with --bits auto.") }
      return
    }
    guard size != nil, method != .rtn else {
      throw ValidationError(
        "--bits auto needs --size, such as 1.9GB; --method may be gptq, blockwise or diagonal.")
    }
  }

  var method: QuantizationSettings.Method {
    // Where bits are chosen there are few of them.
    calibrating.method(bits: bits == .auto ? 2 : bits?.number ?? 4)
  }

  func run(on rank: RankContext) throws {
    if !reusesCodes { try settings(method).validate(allowingPoorQuality: allowPoorQuality) }
    let source = try ModelSource.open(model)
    let tokenizer = try method == .rtn || reusesCodes ? nil : tokenizer(rank.console)
    var options = QuantizeOptions(
      settings: settings(tokenizer == nil ? .rtn : method), reusesCodes: reusesCodes,
      allowPoorQuality: allowPoorQuality, overwrite: overwrite)
    options.quantizesVocabulary = vocabularyBits == .eight
    let pool = WorkerPool(threads: threading.threads ?? rank.threads.count)
    let signals = StopSignals.install()
    do {
      if let tokenizer, !dryRun || bits == .auto {
        try calibrate(source, options, tokenizer, pool, signals, rank)
      } else if rank.communicator.rank == 0 {
        // Rounding is soon done: one rank does it.
        try make(source, options, nil, pool, signals, rank)
      }
    } catch QuantizationError.cancelled {
      try fail(QuantizationError.cancelled, signals, rank)
    } catch CalibrationError.cancelled {
      try fail(CalibrationError.cancelled, signals, rank)
    }
  }

  private func settings(_ method: QuantizationSettings.Method) -> QuantizationSettings {
    QuantizationSettings(
      bits: bits?.number ?? 4, groupSize: groupSize ?? -1, symmetric: sym, method: method)
  }

  /// What text is read with. Nil, and said, where there is none and nobody asked for text.
  private func tokenizer(_ console: Console) throws -> Tokenizer? {
    do {
      return try Tokenizer.load(from: model)
    } catch TokenizationError.missing(let source, let reason)
      where calibrating.method == nil && calibrating.calibration == nil && bits != .auto
    {
      console.warn(
        "\(source): \(reason) Without it no text can be read: weights are rounded one by one, "
          + "which at few bits is much worse than --method gptq")
      return nil
    }
  }

  private func fail(
    _ error: any Error, _ signals: StopSignals, _ rank: RankContext
  ) throws {
    rank.console.fail("\(error)")
    throw ExitCode(signals.received?.exitCode ?? QuantizationError.cancelled.exitCode)
  }

  func make(
    _ source: ModelSource, _ options: QuantizeOptions, _ codes: CalibratedCodes?,
    _ pool: WorkerPool, _ signals: StopSignals, _ rank: RankContext, _ choice: FormChoice? = nil
  ) throws {
    let console = rank.console
    let line = ProgressLine(console, "quantize", total: 1000)
    let job = QuantizeModel(
      source, options, pool: pool, codes: codes, isCancelled: { signals.received != nil },
      progress: {
        if codes == nil { line.update($0.weightsDone * 1000 / max($0.weights, 1), $0.tensor) }
      })
    if dryRun { return show(try job.plan(output: output), source, choice, console) }
    clearLeftovers(console)
    let report = try job.run(output: output)
    if codes == nil { line.finish(1000) }
    show(report, console)
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
}
