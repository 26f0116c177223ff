internal import ArgumentParser
internal import DecoderModel
internal import Foundation
internal import Interchange
internal import JSONText
internal import Kernels
internal import Machine
internal import Quantization
internal import Reporting
internal import Training

/// How cost grows with threads, tokens, width and depth.
struct BenchScaling: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scaling",
    abstract: "Time blocks and steps over threads, tokens, widths and layers, and fit the cost.",
    discussion: """
      Threads and tokens: one block of --shape. Widths and layers: whole steps of models with LLaMA's \
      proportions and few tokens in the vocabulary, two blocks of each width, and the width 1024 in \
      each depth, in turns. The cost of a depth is time by operations, divided by the median of all.
      """)

  enum Axis: String, CaseIterable, ExpressibleByArgument { case threads, tokens, width, layers }

  @Option(help: "What is varied: threads, tokens, width, layers; all where none is given.")
  var axis: [Axis] = []

  @Option(help: "Shape of the block for threads and tokens.")
  var shape = "llama-7b"

  @Option(help: "Tokens of the series over threads and widths.")
  var length = 256

  @Option(help: "Lengths of the series over tokens.")
  var lengths = NumberList(64, 128, 256, 512, 1024)

  @Option(help: "Widths, multiples of 128.")
  var widths = NumberList(512, 1024, 2048, 4096)

  @Option(help: "Numbers of layers.")
  var layers = NumberList(2, 8, 20, 40, 80)

  @OptionGroup var computing: ComputeOptions
  @OptionGroup var options: BenchOptions

  func validate() throws {
    guard widths.values.allSatisfy({ $0 > 0 && $0 % 128 == 0 }) else {
      throw ValidationError("--widths must be multiples of 128.")
    }
    guard (lengths.values + layers.values + [length]).allSatisfy({ $0 > 0 }) else {
      throw ValidationError("--length, --lengths and --layers must be positive.")
    }
  }

  func run() throws {
    let limits = try options.ratioLimits()
    var report = ScalingReport()
    let signals = StopSignals.install()
    for axis in axis.isEmpty ? Axis.allCases : axis {
      switch axis {
      case .threads: try varyThreads(&report, signals)
      case .tokens: try varyTokens(&report, signals)
      case .width: try varyWidth(&report, signals)
      case .layers: try varyLayers(&report, signals)
      }
    }
    options.show(report.table, context: report.fits)
    try options.hold(report.ratios, to: limits)
  }

  private func rows(
    _ shape: String, _ config: DecoderConfig, _ compute: Compute, _ lengths: [Int],
    _ signals: StopSignals
  ) throws -> [BlockBench.Row] {
    let bench = BlockBench(
      shape: shape, config: config, granularity: .row, recomputing: .none, compute: compute)
    return try bench.rows(
      bits: [4], groupSizes: [-1], lengths: lengths, repetitions: options.repetitions,
      console: options.console, signals: signals
    ).rows
  }

  private func compute(threads: Int? = nil) throws -> Compute {
    let count = threads ?? computing.threads ?? ThreadCount.ofOneProcess(options.console).count
    return try KernelChoice.compute(threads: count, dtype: computing.dtype)
  }

  private func varyThreads(_ report: inout ScalingReport, _ signals: StopSignals) throws {
    let config = try DecoderConfig.shape(shape)
    let most = computing.threads ?? ThreadCount.ofOneProcess(options.console).count
    let all = try (1...most).map { count in
      try rows(shape, config, compute(threads: count), [length], signals)[0]
    }
    for row in all { report.add("threads", row.threads, row) }
    report.ratios += BlockBench.ratios(all).filter { $0.name == "two_threads_by_one" }
  }

  private func varyTokens(_ report: inout ScalingReport, _ signals: StopSignals) throws {
    let config = try DecoderConfig.shape(shape)
    let all = try rows(shape, config, compute(), lengths.values, signals)
    for row in all { report.add("tokens", row.tokens, row) }
    report.ratios += BlockBench.ratios(all).filter { $0.name == "block_share_of_peak" }
    guard Set(lengths.values).count > 1 else { return }
    let fit = LineFit(all.map { (Double($0.tokens), $0.seconds.median / Double($0.tokens) * 1e6) })
    report.note(
      "tokens",
      "\(shape): \(fixed(fit.intercept, digits: 0)) + "
        + "\(fixed(fit.slope, digits: 3)) T microseconds per token (R2 "
        + "\(fixed(fit.determination, digits: 3)))")
  }

  private func varyWidth(_ report: inout ScalingReport, _ signals: StopSignals) throws {
    let widths = widths.values.sorted()
    let runs = try steps(
      widths.map { Self.config(width: $0, layers: 2) }, length: length, label: "widths, steps",
      signals)
    for (width, run) in zip(widths, runs) { report.add("width", width, run) }
    guard Set(widths).count > 1 else { return }
    let points = zip(widths, runs).map {
      (x: Double($0 * $0) / 1e6, y: Spread($1.seconds).median / Double($1.tokens) * 1e6)
    }
    let fit = LineFit(points)
    report.note(
      "width",
      "\(fixed(fit.intercept, digits: 1)) + \(fixed(fit.slope, digits: 1)) width^2 / 10^6 "
        + "microseconds per token (R2 \(fixed(fit.determination, digits: 3)))")
    // What each further weight costs, by what it costs on the whole: 1 where cost is linear.
    for (index, (one, next)) in zip(points, points.dropFirst()).enumerated() where next.x > one.x {
      report.ratios.append(
        .init(
          "width_marginal_cost", "widths \(widths[index]) to \(widths[index + 1])",
          (next.y - one.y) / (next.x - one.x) / fit.slope))
    }
  }

  private func varyLayers(_ report: inout ScalingReport, _ signals: StopSignals) throws {
    let runs = try steps(
      layers.values.map { Self.config(width: 1024, layers: $0) }, length: 128,
      label: "layers, steps", signals)
    for (count, run) in zip(layers.values, runs) { report.add("layers", count, run) }
    let middle = Spread(runs.map { 1 / $0.operations }).median
    report.ratios += zip(layers.values, runs).map { count, run in
      .init("cost_over_layers", "\(count) layers", 1 / run.operations / middle)
    }
  }

  /// Whole steps of random models, in turns: a machine that slows down slows all of them.
  private func steps(
    _ configs: [DecoderConfig], length: Int, label: String, _ signals: StopSignals
  ) throws -> [StepRun] {
    let compute = try compute()
    var settings = StepSettings(batch: 1, length: length, recomputing: true)
    // Their files are gone once they are mapped.
    settings.streaming = .off
    let base = try BenchBaseOptions.parse(["--synthetic", "scaling"])
    let runs = try configs.map { config in
      try base.withModel(options.console, config: config) { model, _ in
        try StepRun(model, compute, settings)
      }
    }
    let line = ProgressLine(
      options.console, label, total: runs.count * (options.repetitions + 1))
    for turn in 0...options.repetitions {
      for (index, run) in runs.enumerated() {
        try run.take(counted: turn > 0, signals)
        line.update(turn * runs.count + index + 1)
      }
    }
    return runs
  }

  /// LLaMA's proportions: heads of 128, an MLP of 43 / 16 widths as at 7B.
  private static func config(width: Int, layers: Int) -> DecoderConfig {
    DecoderConfig(
      vocabularySize: 1024, hiddenSize: width, intermediateSize: width * 43 / 16 / 64 * 64,
      layerCount: layers, headCount: width / 128, keyValueHeadCount: width / 128, headSize: 128)
  }
}

/// The series of one run.
private struct ScalingReport {
  var table = MeasurementTable([
    ("axis", "axis"), ("value", "value"), ("threads", "threads"), ("tokens", "tokens"),
    ("tokens_per_second_median", "tok/s"), ("microseconds_per_token", "us/token"),
    ("relative_spread", "spread"), ("gflops", "GFLOP/s"),
  ])
  var ratios: [MeasuredRatio] = []
  var fits: [JSONValue.Member] = []

  mutating func add(_ axis: String, _ value: Int, _ row: BlockBench.Row) {
    add(axis, value, row.threads, row.tokens, row.seconds, row.operations)
  }

  mutating func add(_ axis: String, _ value: Int, _ run: StepRun) {
    add(axis, value, run.threads, run.tokens, Spread(run.seconds), run.operations)
  }

  mutating func note(_ axis: String, _ text: String) {
    fits.append(.init(key: "fit_\(axis)", value: .string(text)))
  }

  private mutating func add(
    _ axis: String, _ value: Int, _ threads: Int, _ tokens: Int, _ seconds: Spread,
    _ operations: Double
  ) {
    table.add([
      .text(axis), .integer(value), .integer(threads), .integer(tokens),
      .real(Double(tokens) / seconds.median, digits: 1),
      .real(seconds.median / Double(tokens) * 1e6, digits: 1),
      .real(seconds.relativeSpread, digits: 3), .real(operations / 1e9, digits: 1),
    ])
  }
}
