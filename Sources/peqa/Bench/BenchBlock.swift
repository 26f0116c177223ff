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

/// One decoder block, forward and backward, without embedding and output matrix.
struct BenchBlock: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "block",
    abstract: "Time one decoder block, forward and backward, on random weights.",
    discussion: """
      Lists such as --bits 4,3,2 or --length 128,512 measure every combination, taking turns, so \
      that ratios are of one run. GFLOP/s count products only: forward 2, input gradient 2 and, \
      for scales per group, scale gradient 2 operations per weight and token; causal attention 14 per \
      column and pair of tokens. Peaks are measured in the same run, in registers.
      """)

  @Option(help: "Shape by name, or a config.json.")
  var shape = "llama-7b"

  @Option(help: "Bits of the codes: 2, 3, 4 or 8.")
  var bits = NumberList(4)

  @Option(parsing: .unconditional, help: "Weights that share a scale: -1, 32, 64, 128 or 256.")
  var groupSize = NumberList(-1)

  @Option(help: "What is trained: row or group.")
  var scaleGranularity = ScaleGranularity.row

  @Option(help: "Tokens.")
  var length = NumberList(512)

  @Option(help: "Threads. (default: what the environment or the allowed CPUs give)")
  var threads: NumberList?

  @Option(help: "Numbers in matrix products: auto, fp32, bf16 or int8.")
  var dtype = ComputeType.auto

  @Option(help: "What the backward pass does again: none, elementwise or products.")
  var recompute = BlockAlone.Recomputing.none

  @OptionGroup var options: BenchOptions

  func validate() throws {
    for (name, list) in [("--length", length), ("--threads", threads ?? NumberList(1))] {
      guard list.values.allSatisfy({ (1...65_536).contains($0) }) else {
        throw ValidationError("\(name) must be from 1 to 65536.")
      }
    }
  }

  func run() throws {
    let console = options.console
    let limits = try options.ratioLimits()
    let signals = StopSignals.install()
    let config = try DecoderConfig.shape(shape)
    let threads = threads?.values ?? [ThreadCount.ofOneProcess(console).count]
    var rows: [BlockBench.Row] = []
    var context: [JSONValue.Member] = []
    for count in threads {
      let compute = try KernelChoice.compute(threads: count, dtype: dtype)
      let bench = BlockBench(
        shape: shape, config: config, granularity: scaleGranularity, recomputing: recompute,
        compute: compute)
      let (measured, peak) = try bench.rows(
        bits: bits.values, groupSizes: groupSize.values, lengths: length.values,
        repetitions: options.repetitions, console: console, signals: signals)
      rows += measured
      context = compute.context(peak)
    }
    options.show(BlockBench.table(rows), context: context)
    try options.hold(BlockBench.ratios(rows), to: limits)
  }
}

extension BlockAlone.Recomputing: ExpressibleByArgument {}

/// Times blocks of several settings in turns.
struct BlockBench {
  let shape: String
  let config: DecoderConfig
  let granularity: ScaleGranularity
  let recomputing: BlockAlone.Recomputing
  let compute: Compute

  struct Row {
    var shape: String
    var bits: Int
    var groupSize: Int
    var granularity: ScaleGranularity
    var tokens: Int
    var threads: Int
    /// Seconds, forward and backward, and of the forward pass alone.
    var seconds: Spread
    var forward: Spread
    var work: DecoderFLOPs
    /// Operations a second.
    var peak: Double

    var tokensPerSecond: Spread { seconds.map { Double(tokens) / $0 } }
    var operations: Double { work.total / seconds.median }
    var share: Double { operations / peak }
  }

  /// A setting and what was measured of it so far.
  private final class Candidate {
    let bits, groupSize, tokens: Int
    let block: BlockAlone
    var times: [(forward: Double, total: Double)] = []

    init(bits: Int, groupSize: Int, tokens: Int, block: BlockAlone) {
      (self.bits, self.groupSize, self.tokens, self.block) = (bits, groupSize, tokens, block)
    }

    func measure() {
      block.reset()
      let clock = Stopwatch()
      block.forward()
      let forward = clock.seconds
      block.backward()
      times.append((forward, clock.seconds))
    }
  }

  func rows(
    bits: [Int], groupSizes: [Int], lengths: [Int], repetitions: Int, console: Console,
    signals: StopSignals
  ) throws -> (rows: [Row], peak: MachinePeak) {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("peqa-block-\(UUID().uuidString.prefix(8))").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let (measured, peak) = try compute.besidePeak {
      let all = try candidates(
        bits: bits, groupSizes: groupSizes, lengths: lengths, in: folder)
      try takeTurns(all, repetitions: repetitions, console, signals)
      return all
    }
    return (measured.map { row($0, peak) }, peak)
  }

  /// A block for each setting, over bases that are made in `folder`.
  private func candidates(
    bits: [Int], groupSizes: [Int], lengths: [Int], in folder: String
  ) throws -> [Candidate] {
    var one = config
    // Vocabulary matrices are not used.
    (one.layerCount, one.vocabularySize) = (1, 64)
    var candidates: [Candidate] = []
    for bits in bits {
      for groupSize in groupSizes {
        let base = "\(folder)/\(bits)-\(groupSize)"
        _ = try SyntheticBase(
          name: shape, config: one,
          settings: QuantizationSettings(bits: bits, groupSize: groupSize)
        ).write(to: base)
        let model = try LoadedModel.open(base)
        for tokens in lengths {
          // Weights of its own: a decoder points its matrices at the scales of its task.
          let decoder = Decoder(
            config: one, weights: try DecoderWeights(try model.requiredBase()), compute: compute)
          candidates.append(
            Candidate(
              bits: bits, groupSize: groupSize, tokens: tokens,
              block: try BlockAlone(
                decoder, granularity: granularity, tokens: tokens, recomputing: recomputing)))
        }
      }
    }
    return candidates
  }

  private func takeTurns(
    _ candidates: [Candidate], repetitions: Int, _ console: Console, _ signals: StopSignals
  ) throws {
    let line = ProgressLine(
      console, "blocks, \(compute.pool.threads) threads",
      total: candidates.count * (repetitions + 1))
    for turn in 0...repetitions {
      for (index, candidate) in candidates.enumerated() {
        if let interruption = signals.interruption { throw interruption }
        candidate.measure()
        line.update(turn * candidates.count + index + 1)
      }
      // The first turn touches memory for the first time.
      if turn == 0 { for candidate in candidates { candidate.times = [] } }
    }
  }

  private func row(_ candidate: Candidate, _ peak: MachinePeak) -> Row {
    Row(
      shape: shape, bits: candidate.bits, groupSize: candidate.groupSize, granularity: granularity,
      tokens: candidate.tokens, threads: compute.pool.threads,
      seconds: Spread(candidate.times.map(\.total)),
      forward: Spread(candidate.times.map(\.forward)),
      work: config.blockFLOPs(
        tokens: candidate.tokens,
        granularity: candidate.groupSize == -1 ? .row : granularity),
      peak: peak.operations(of: compute))
  }
}

extension BlockBench {
  static func table(_ rows: [Row]) -> MeasurementTable {
    var table = MeasurementTable([
      ("shape", "shape"), ("bits", "bits"), ("group_size", "group"),
      ("scale_granularity", "trains"),
      ("length", "tokens"), ("threads", "threads"), ("tokens_per_second_median", "tok/s"),
      ("tokens_per_second_lower_quartile", "lower quartile"),
      ("tokens_per_second_upper_quartile", "upper quartile"),
      ("tokens_per_second_best", "best"), ("forward_share_of_time", "forward share"),
      ("gflops", "GFLOP/s"), ("peak_gflops", "peak"), ("share_of_peak", "share of peak"),
    ])
    for row in rows {
      let rate = row.tokensPerSecond
      table.add([
        .text(row.shape), .integer(row.bits), .integer(row.groupSize),
        .text(row.granularity.rawValue), .integer(row.tokens), .integer(row.threads),
        .real(rate.median, digits: 1), .real(rate.lowerQuartile, digits: 1),
        .real(rate.upperQuartile, digits: 1), .real(rate.greatest, digits: 1),
        .real(row.forward.median / row.seconds.median, digits: 2),
        .real(row.operations / 1e9, digits: 1), .real(row.peak / 1e9, digits: 1),
        .real(row.share, digits: 3),
      ])
    }
    return table
  }

  /// Ratios that have limits: share of peak from 128 tokens up, bits against 4 bits and two threads
  /// against one, all else being equal.
  static func ratios(_ rows: [Row]) -> [MeasuredRatio] {
    var ratios: [MeasuredRatio] = []
    for row in rows {
      let group = row.groupSize == -1 ? "row" : "g\(row.groupSize) \(row.granularity.rawValue)"
      let subject =
        "\(row.shape), \(row.bits)-bit \(group), \(row.tokens) tokens, \(row.threads) threads"
      if row.tokens >= 128 { ratios.append(.init("block_share_of_peak", subject, row.share)) }
      func other(bits: Int, threads: Int) -> Row? {
        rows.first {
          $0.bits == bits && $0.threads == threads && $0.groupSize == row.groupSize
            && $0.tokens == row.tokens
        }
      }
      let speed = row.tokensPerSecond.median
      if row.bits < 4, let four = other(bits: 4, threads: row.threads) {
        ratios.append(
          .init("bits_\(row.bits)_by_4", subject, speed / four.tokensPerSecond.median))
      }
      if row.threads == 2, let one = other(bits: row.bits, threads: 1) {
        ratios.append(.init("two_threads_by_one", subject, speed / one.tokensPerSecond.median))
      }
    }
    return ratios
  }
}
