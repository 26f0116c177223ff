internal import DecoderModel
internal import Foundation
internal import Interchange
internal import Machine
internal import Planning
internal import Quantization
internal import Training

/// How fast this machine trains a shape: some passes over a base of random codes, within 20 s.
///
/// Small models are measured whole. Of others one block and a few are, in turns, and the
/// difference tells what a block takes. Of large ones one block is, with a small vocabulary: what
/// surrounds the blocks is little of a large model, and would take most of the time to write.
/// Sequences are shortened only where even that takes too long. A line through two lengths then
/// gives the whole one; the figure is worth less, and says so.
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
  private static let sampleVocabulary = 4096
  /// Undisturbed passes that are enough.
  private static let repetitions = 3
  /// Seconds for everything, bases included.
  private static let budget = 20.0
  private static let leastTokens = 16

  func measure() throws -> MeasuredRate {
    let began = Stopwatch.now()
    let before = CPUUsage.now()
    func left() -> Double { Self.budget - (Stopwatch.now() - began) }
    var groups = [try RankSet(self, layers: depths[0])]
    defer { for group in groups { group.remove() } }
    let writing = Stopwatch.now() - began
    // A base of d blocks takes up to d times as long to write as one of one block.
    if depths.count > 1, left() > Double(2 * depths[1]) * writing {
      groups.append(try RankSet(self, layers: depths[1]))
    }
    let probe = try affordableLength(groups, left: left)
    var passes = try passes(through: groups, probe, left: left)
    let full = run.maxSequenceLength
    if let shorter = probe.shorter, probe.tokens < full, groups.count == 1 {
      passes[0] = passes[0].extrapolated(
        from: (probe.tokens / 2, shorter), at: probe.tokens, to: full)
    }
    let isWhole = probe.shorter != nil && groups.count == 1 || probe.tokens == full
    let foreign = before.flatMap { start in CPUUsage.now()?.foreignCores(since: start) } ?? 0
    let busy = ranks * threadsPerRank
    return MeasuredRate(
      operations: operations(
        layers: model.config.layerCount, tokens: isWhole ? full : probe.tokens),
      passes: passes,
      layers: model.config.layerCount, threads: threadsPerRank,
      seconds: Stopwatch.now() - began, foreignCores: foreign,
      missing: max(0, foreign + Double(busy - AllowedCPUs().online)), busyThreads: busy,
      halvings: log2(Double(full) / Double(probe.tokens)))
  }

  /// The model with a vocabulary that can be written in little time.
  var sample: PlannedModel {
    guard isLarge else { return model }
    var sample = model
    sample.config.vocabularySize = min(model.config.vocabularySize, Self.sampleVocabulary)
    return sample
  }

  private var isLarge: Bool { model.baseBytes > Self.wholeBytes }

  private var depths: [Int] {
    let layers = model.config.layerCount
    let work = operations(layers: layers, tokens: run.maxSequenceLength)
    if isLarge { return [1] }
    if work <= Self.wholeOperations || layers <= 3 { return [layers] }
    let deepest = (3...layers).last {
      operations(layers: $0, tokens: run.maxSequenceLength) <= Self.wholeOperations
    }
    return [1, deepest ?? 3]
  }

  /// A length of sequences, and what passes of the first group took while it was looked for.
  private struct Probe {
    var tokens: Int
    /// Seconds of a pass of this length, and of one of half of it.
    var seconds: Double
    var shorter: Double?
  }

  /// The longest sequence, by halves of the run's, whose passes fit into the time. Lengths are
  /// doubled as long as they do: a pass of twice the length takes twice the time at most, but much
  /// less where it is short.
  private func affordableLength(_ groups: [RankSet], left: () -> Double) throws -> Probe {
    var tokens = run.maxSequenceLength
    while tokens / 2 >= Self.leastTokens { tokens /= 2 }
    let all = groups.reduce(0) { $0 + operations(layers: $1.layers, tokens: tokens) }
    let turn = all / operations(layers: groups[0].layers, tokens: tokens)
    // The very first pass touches memory for the first time and tells little.
    var probe = Probe(tokens: tokens, seconds: try groups[0].pass(tokens: tokens).seconds)
    if probe.seconds > left() { return probe }
    probe.seconds = try groups[0].pass(tokens: tokens).seconds
    // The first pass of the other groups, and a turn that counts, after the pass of this loop.
    while 2 * probe.tokens <= run.maxSequenceLength, 4 * probe.seconds * turn <= left() {
      let seconds = try groups[0].pass(tokens: 2 * probe.tokens).seconds
      probe = Probe(tokens: 2 * probe.tokens, seconds: seconds, shorter: probe.seconds)
    }
    return probe
  }

  private func operations(layers: Int, tokens: Int) -> Double {
    var part = sample
    part.config.layerCount = layers
    return part.operations(
      tokens: tokens, sequences: 1, run.scaleTraining.ofAllModules,
      recomputing: run.gradientCheckpointing)
  }

  /// Passes of all depths in turns, until there are enough that no other program disturbed, or no
  /// time is left for another turn. One group may have to do with the pass of the probe.
  private func passes(
    through groups: [RankSet], _ probe: Probe, left: () -> Double
  ) throws -> [PassTimes] {
    var found = groups.map { PassTimes(layers: $0.layers) }
    // The first pass touches what it needs of memory; that of the first group was the probe.
    for group in groups.dropFirst() { _ = try group.pass(tokens: probe.tokens) }
    var turn = probe.seconds
    if groups.count == 1, left() <= turn {
      found[0].disturbed.append(probe.seconds)
      return found
    }
    let line = ProgressLine(console, "measuring, pass", total: Self.repetitions)
    repeat {
      let start = Stopwatch.now()
      for (index, group) in groups.enumerated() {
        let (seconds, isCalm) = try group.pass(tokens: probe.tokens)
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
