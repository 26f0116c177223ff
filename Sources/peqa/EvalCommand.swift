internal import ArgumentParser
internal import Collectives
internal import Datasets
internal import DecoderModel
internal import Evaluation
internal import Foundation
internal import JSONText
internal import Kernels
internal import Reporting
internal import Tokenization

/// `peqa eval`: loss and perplexity of a model, a base, or a base with an adapter, and what it
/// scores on tasks.
struct Eval: RankedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure a model: its perplexity on a text, its loss on a data set, or tasks.",
    discussion: """
      Windows of a text, sequences of a data set, or items of tasks are shared out over the ranks \
      of mpirun; the result has the same digits on any number of ranks and threads.
      """)

  @Argument(help: "A base, a Hugging Face directory or a GGUF file.")
  var model: String

  @Option(help: "Directory of an adapter: its scales take the place of the base's.")
  var adapter: String?

  @Option(help: "Text file, or JSONL with \"text\", whose perplexity is measured.")
  var perplexity: String?

  @Option(help: "Data set whose held-out loss is measured: a file, a directory or a pattern.")
  var data: String?

  @Option(help: "Form of the data set, such as alpaca, chat, completion or text.")
  var type = "auto"

  @Option(help: "Part of the data set, such as test or train[:1000].")
  var split: String?

  @Option(
    name: [.customLong("max-length"), .customLong("max-seq-length")],
    parsing: .unconditional,
    help: "Longest window, sequence or prompt, in tokens. (default: 1024, of tasks the model's)")
  var maxLength: Int?

  @Option(
    parsing: .unconditional,
    help: "Tokens from window to window. (default: disjoint windows)")
  var stride: Int?

  @Option(
    parsing: .unconditional,
    help: "Only the first N windows or sequences. (default: all)")
  var windows: Int?

  @Option(help: "What becomes of longer samples of a data set: raise, drop or truncate.")
  var excessLengthStrategy = ExcessLengthStrategy.raise

  @Flag(
    inversion: .prefixedNo, exclusivity: .exclusive,
    help: "Put the BOS token before each window. (default: texts no, data sets as the tokenizer)")
  var bos: Bool?

  @OptionGroup(title: "Tasks") var tasks: TaskOptions
  @OptionGroup var computing: ComputeOptions
  @OptionGroup var streaming: StreamingOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var verbosity: VerbosityOptions

  func validate() throws {
    let wanted = [perplexity != nil, data != nil, tasks.isWanted].count { $0 }
    guard wanted == 1 else {
      throw ValidationError("Give one of --perplexity FILE, --data FILE and --tasks NAMES.")
    }
    if data == nil, type != "auto" || split != nil {
      throw ValidationError("--type and --split need --data.")
    }
    if perplexity == nil, stride != nil { throw ValidationError("--stride needs --perplexity.") }
    if tasks.isWanted, windows != nil || bos != nil {
      throw ValidationError(
        "--windows and --bos do not go with --tasks; --limit takes fewer items.")
    }
    _ = try usage {
      try PerplexityProtocol(
        maximumLength: length, stride: stride, windowLimit: windows,
        bos: bos == true ? 0 : nil)
    }
    _ = try usage { try source }
  }

  func run(on rank: RankContext) throws {
    let signals = StopSignals.install()
    let isStopped = { signals.received != nil }
    rank.communicator.interruption = {
      signals.received == .terminate ? StopSignals.Request.terminate.exitCode : nil
    }
    do {
      let tokenizer = try Tokenizer.load(from: model)
      let loaded = try LoadedModel.open(model)
      let length = maxLength ?? (tasks.isWanted ? loaded.config.maximumLength : 1024)
      if length > loaded.config.maximumLength {
        rank.console.warn(
          "--max-length \(length) is more than the \(loaded.config.maximumLength) tokens that "
            + "the model was trained for")
      }
      let compute = try computing.compute(automatic: rank.threads, for: .judging, of: loaded)
      let decoder = Decoder(config: loaded.config, weights: loaded.weights, compute: compute)
      streaming.apply(
        to: decoder, loaded, length: tasks.isWanted ? Decoder.scoredTokens : length,
        cached: tasks.isWanted ? min(length, TaskOptions.usualLength) : 0,
        available: try rank.communicator.availableMemory(),
        ranksOnNode: rank.communicator.ranksOnNode, nodeRank: rank.communicator.nodeRank,
        rank.console)
      let scales = try adapter.map {
        try Adapter.load($0, base: loaded.requiredBase(), weights: loaded.weights)
      }
      decoder.use(scales)
      if tasks.isWanted {
        let evaluation = TaskEvaluation(
          decoder, tokenizer: tokenizer, adapter: scales, maximumLength: maxLength)
        let report = try tasks.run(evaluation, rank, isStopped: isStopped)
        return show(report, compute, rank)
      }
      let sweep = try sweep(decoder, tokenizer, rank, signals)
      let line = ProgressLine(rank.console, "evaluating", total: sweep.itemCount)
      let report = try sweep.run(
        on: rank.communicator,
        progress: { line.update($0.done, "perplexity \(fixed(exp($0.loss), digits: 4))") },
        isStopped: isStopped)
      show(report, compute, rank)
    } catch EvaluationError.stopped {
      throw ExitCode(signals.received?.exitCode ?? EvaluationError.stopped.exitCode)
    }
  }

  private var length: Int { maxLength ?? 1024 }

  private var source: DatasetSource? {
    get throws {
      try data.map {
        DatasetSource(
          path: $0, type: try DatasetType(name: type),
          split: try split.map { try DatasetSplit(parsing: $0) } ?? .all)
      }
    }
  }

  private func sweep(
    _ decoder: Decoder, _ tokenizer: Tokenizer, _ rank: RankContext,
    _ signals: StopSignals
  ) throws -> ShardedLoss {
    if let source = try source {
      return try dataset(source, decoder, tokenizer, rank, signals)
    }
    let start = bos == true ? tokenizer.bosID : nil
    if bos == true, start == nil { throw EvaluationError.noBOS }
    let cut = try PerplexityProtocol(
      maximumLength: length, stride: stride, windowLimit: windows, bos: start)
    let tokens = try TextFile.tokens(perplexity ?? "", tokenizer)
    return try TextPerplexity(tokens: tokens, cut: cut).sweep(decoder)
  }

  private func dataset(
    _ source: DatasetSource, _ decoder: Decoder, _ tokenizer: Tokenizer, _ rank: RankContext,
    _ signals: StopSignals
  ) throws -> ShardedLoss {
    let settings = DatasetSettings(
      maximumLength: length, excessLengthStrategy: excessLengthStrategy, packing: false,
      beginsWithBOS: bos)
    let samples = try DataPreparation(rank, signals).samples(of: source, tokenizer, settings)
    return ShardedLoss(samples, sequences: windows, model: decoder)
  }

  private func show(_ report: LossReport, _ compute: Compute, _ rank: RankContext) {
    let itemKey = data == nil ? "windows" : "sequences"
    guard output.json else {
      rank.console.result(
        """
        perplexity \(fixed(report.perplexity, digits: 4))  loss \(fixed(report.loss, digits: 6))  \
        \(report.tokens) tokens in \(report.items) \(itemKey)  \
        \(fixed(report.tokensPerSecond, digits: 0)) tokens/s
        """)
      return
    }
    show(report.members(itemKey: itemKey), compute, rank)
  }

  private func show(_ report: TaskReport, _ compute: Compute, _ rank: RankContext) {
    guard output.json else { return tasks.show(report, rank.console) }
    show(report.members, compute, rank)
  }

  /// One line of JSON: the result, and where it was measured.
  private func show(_ members: [JSONValue.Member], _ compute: Compute, _ rank: RankContext) {
    let place: [(String, JSONValue)] = [
      ("model", .string(model)), ("adapter", adapter.map { .string($0) } ?? .null),
      ("dtype", .string(compute.products)),
      ("kernel_path", .string(compute.instructionSet.rawValue)),
      ("ranks", .integer(rank.communicator.size)), ("threads", .integer(compute.pool.threads)),
    ]
    let all = members + place.map { JSONValue.Member(key: $0.0, value: $0.1) }
    rank.console.result(JSONValue.object(all).text())
  }
}

extension ExcessLengthStrategy: ExpressibleByArgument {}

extension RankContext {
  /// Does `work` on all ranks and throws on all where it throws on one.
  func agree(_ work: () throws -> Void) throws {
    var failure: (any Error)?
    do { try work() } catch { failure = error }
    try communicator.agree(on: failure, code: failure.map { Failure($0).code })
  }
}

/// The meaning of a bad value is a usage error: ArgumentParser shows it with the command's usage.
func usage<Value>(_ make: () throws -> Value) throws -> Value {
  do { return try make() } catch let error as any CustomStringConvertible & Error {
    throw ValidationError("\(error)")
  }
}
