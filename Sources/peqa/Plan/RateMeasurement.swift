internal import DecoderModel
internal import Foundation
internal import Interchange
internal import Quantization
internal import Training

/// How fast this machine trains a shape: some passes over a base of random codes, within 20 s.
///
/// Small models are measured whole. Of larger ones one block and a few are, in turns, and the
/// difference tells what a block takes. Sequences are shortened only where even that takes too
/// long: short ones are slower per token, so the figure is then worth less, and says so.
///
/// As many ranks as the run has on a node work at the same time, each with its own threads: a
/// program that holds one core then slows one rank, as it does in training, and not the threads of
/// all.
struct RateMeasurement {
  let model: PlannedModel
  let run: RunConfig
  let ranks: Int
  let threadsPerRank: Int
  let console: Console
  let signals: StopSignals

  /// Operations of a pass and bytes up to which a model is measured whole, or as many blocks of it:
  /// two seconds of two slow cores, so that all passes fit into the time.
  private static let wholeOperations = 1.5e11
  private static let wholeBytes = 1_000_000_000
  /// Undisturbed passes that are enough.
  private static let repetitions = 3
  /// Seconds for everything, bases included.
  private static let budget = 20.0
  /// Operations of the first pass, which tells how long others will take: a second of a slow core.
  private static let probeOperations = 2e10
  private static let leastTokens = 16

  func measure() throws -> MeasuredRate {
    let began = Stopwatch.now()
    let before = CPUUsage.now()
    func left() -> Double { Self.budget - (Stopwatch.now() - began) }
    var groups = [try RankSet(self, layers: depths[0])]
    defer { for group in groups { group.remove() } }
    let writing = Stopwatch.now() - began
    let probe = min(run.maxSequenceLength, probeTokens)
    let seconds = try groups[0].pass(tokens: probe).seconds
    // A base of d blocks takes up to d times as long to write as one of one block.
    if depths.count > 1, left() > Double(2 * depths[1]) * writing {
      groups.append(try RankSet(self, layers: depths[1]))
    }
    let perOperation = seconds / operations(layers: depths[0], tokens: probe)
    let layers = groups.map(\.layers)
    let tokens = self.tokens(within: 0.8 * left()) { tokens in
      // At least two passes of each depth, of which the first does not count.
      2 * perOperation * layers.reduce(0) { $0 + operations(layers: $1, tokens: tokens) }
    }
    let passes = try passes(through: groups, tokens: tokens, left: left)
    let foreign = before.flatMap { start in CPUUsage.now()?.foreignCores(since: start) } ?? 0
    let busy = ranks * threadsPerRank
    return MeasuredRate(
      operations: operations(layers: model.config.layerCount, tokens: tokens), passes: passes,
      layers: model.config.layerCount, threads: threadsPerRank,
      seconds: Stopwatch.now() - began, foreignCores: foreign,
      missing: max(0, foreign + Double(busy - AllowedCPUs().online)), busyThreads: busy,
      halvings: log2(Double(run.maxSequenceLength) / Double(tokens)))
  }

  private var depths: [Int] {
    let layers = model.config.layerCount
    let work = operations(layers: layers, tokens: run.maxSequenceLength)
    let isSmall = work <= Self.wholeOperations && model.baseBytes <= Self.wholeBytes
    if isSmall || layers <= 3 { return [layers] }
    let deepest = (3...layers).last {
      operations(layers: $0, tokens: run.maxSequenceLength) <= Self.wholeOperations
        && model.baseBytes / layers * $0 <= Self.wholeBytes
    }
    return [1, deepest ?? 3]
  }

  private var probeTokens: Int {
    let each = operations(layers: depths[0], tokens: Self.leastTokens) / Double(Self.leastTokens)
    return max(Self.leastTokens, Int(Self.probeOperations / each))
  }

  /// The longest sequence, by halves of the run's, whose passes fit into the time.
  private func tokens(within seconds: Double, taking needed: (Int) -> Double) -> Int {
    var tokens = run.maxSequenceLength
    while tokens / 2 >= Self.leastTokens, needed(tokens) > seconds { tokens /= 2 }
    return tokens
  }

  private func operations(layers: Int, tokens: Int) -> Double {
    var part = model
    part.config.layerCount = layers
    return part.operations(
      tokens: tokens, sequences: 1, granularity: run.scaleGranularity,
      recomputing: run.gradientCheckpointing)
  }

  /// Passes of all depths in turns, until there are enough that no other program disturbed, or no
  /// time is left for another turn.
  private func passes(
    through groups: [RankSet], tokens: Int, left: () -> Double
  ) throws -> [PassTimes] {
    var found = groups.map { PassTimes(layers: $0.layers) }
    // The first pass touches what it needs of memory.
    for group in groups { _ = try group.pass(tokens: tokens) }
    let line = ProgressLine(console, "measuring, pass", total: Self.repetitions)
    var turn = 0.0
    repeat {
      let start = Stopwatch.now()
      for (index, group) in groups.enumerated() {
        let (seconds, isCalm) = try group.pass(tokens: tokens)
        if isCalm {
          found[index].calm.append(seconds)
        } else {
          found[index].disturbed.append(seconds)
        }
      }
      turn = Stopwatch.now() - start
      line.update(min(Self.repetitions, found.map(\.calm.count).min() ?? 0))
    } while left() > turn && found.contains { $0.calm.count < Self.repetitions }
    return found
  }
}
