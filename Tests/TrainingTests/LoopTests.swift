import Datasets
import Foundation
import JSONText
import RunHistory
import TestSupport
import Testing
import Training

/// Bit equality is the oracle throughout: the same adapter bytes and the same digits in the
/// metrics.
@Suite struct LoopTests {
  private func run(
    _ folder: TemporaryFolder, _ name: String, _ change: (inout ToyRun) -> Void = { _ in }
  ) throws -> ToyResult {
    var run = ToyRun(folder(name))
    change(&run)
    return try run()
  }

  @Test func learns() throws {
    let folder = try TemporaryFolder()
    let result = try run(folder, "a") { $0.config.evalOnStart = true }
    #expect(result.outcomes.map(\.exitCode) == [0])
    #expect(result.losses.keys.sorted() == Array(1...20))
    #expect(result.evaluations.keys.sorted() == [0, 4, 8, 12, 16, 20])
    let before = try #require(result.evaluations[0].flatMap { Double($0) })
    let after = try #require(result.evaluations[20].flatMap { Double($0) })
    // ln 2 is what a model without knowledge has.
    #expect(abs(before - 0.693) < 0.05)
    #expect(after < 0.8 * before)
  }

  /// The first step against an oracle in Double that knows neither model nor trainer: the mean over
  /// all supervised tokens of the global batch, its gradient, and what AdamW makes of it.
  @Test func firstStepAveragesOverGlobalTokens() throws {
    let folder = try TemporaryFolder()
    let result = try run(folder, "a") {
      $0.config.maxSteps = 1
      $0.config.globalBatchSize = 23
      $0.config.warmupSteps = 0
      $0.config.schedule = .constant
      $0.config.maxGradNorm = 0
    }
    let start = (0..<ToyModel.parameters).map { Double($0 % 5) / 64 }
    let (mean, gradient) = oracle(start, ToyData(count: 23))
    let loss = try #require(result.losses[1].flatMap { Double($0) })
    // 23 sums, each rounded to the 2^-24 of scalars in an exact sum, and fp32 weights in them.
    #expect(abs(loss - mean) < 23 * 6e-8)
    // The first step of AdamW: both moments are corrected to g and g^2; decay beside it.
    let (rate, decay, epsilon) = (0.05, 0.01, 1e-8)
    for (index, before) in start.enumerated() {
      let expected =
        before - rate * (gradient[index] / (abs(gradient[index]) + epsilon) + decay * before)
      let found = result.adapter.withUnsafeBytes {
        // The one tensor ends the file.
        $0.loadUnaligned(
          fromByteOffset: $0.count - 4 * (ToyModel.parameters - index), as: Float.self)
      }
      // g / (|g| + e) of a g that is off by 1e-6 relative is off by far less; the rest is a few
      // roundings to fp32 of numbers below 1/8.
      #expect(abs(Double(found) - expected) < 4 * 0x1p-27, "\(index)")
    }
  }

  /// Mean loss and its gradient: log(1 + exp(-side z)), z the sum of three weights.
  private func oracle(_ weights: [Double], _ data: ToyData) -> (mean: Double, gradient: [Double]) {
    var (sum, tokens) = (0.0, 0)
    var gradient = [Double](repeating: 0, count: weights.count)
    for index in 0..<data.count {
      let sequence = data.sequence(at: index)
      for (token, target) in zip(sequence.tokens.map(Int.init), sequence.targets) where target >= 0
      {
        let features = [token % 37, token * 7 % 37, (token + 11) % 37]
        let side: Double = target % 2 == 0 ? 1 : -1
        let z = features.reduce(0) { $0 + weights[$1] }
        sum += log(1 + exp(-side * z))
        for feature in features { gradient[feature] -= side * (1 - 1 / (1 + exp(-side * z))) }
        tokens += 1
      }
    }
    return (sum / Double(tokens), gradient.map { $0 / Double(tokens) })
  }

  @Test(arguments: [2, 3, 4])
  func rankCountDoesNotShow(ranks: Int) throws {
    let folder = try TemporaryFolder()
    let alone = try run(folder, "a")
    let many = try run(folder, "b") { $0.ranks = ranks }
    #expect(many.outcomes.count == ranks)
    #expect(many.adapter == alone.adapter)
    #expect(many.losses == alone.losses)
    #expect(many.evaluations == alone.evaluations)
    let config = try ["a", "b"].map {
      try String(contentsOfFile: folder("\($0)/adapter_config.json"), encoding: .utf8)
    }
    #expect(config[0] == config[1])
  }

  /// A run that pauses evaluates, saves and is not finished; it goes on as if it had not paused.
  @Test(arguments: [1, 7, 19])
  func pausesDoNotShow(step: Int) throws {
    let folder = try TemporaryFolder()
    let whole = try run(folder, "a")
    for _ in 0..<2 {
      let paused = try run(folder, "b") { $0.config.stopAtStep = step }
      #expect(paused.outcomes.map(\.exitCode) == [0])
      guard case .paused(step, _)? = paused.outcomes.first else {
        Issue.record("\(paused.outcomes)")
        continue
      }
      #expect(paused.evaluations[step] != nil)
      #expect(!FileManager.default.fileExists(atPath: folder("b/train_results.json")))
    }
    let rest = try run(folder, "b") { $0.ranks = 2 }
    #expect(rest.adapter == whole.adapter)
    #expect(rest.losses == whole.losses)
  }

  /// Sequences that share a pass are added one by one all the same.
  @Test(arguments: [2, 3, 5, 64])
  func sequencesPerPassDoNotShow(count: Int) throws {
    let folder = try TemporaryFolder()
    let alone = try run(folder, "a")
    let many = try run(folder, "b") {
      $0.config.microBatchSize = count
      $0.ranks = 2
    }
    #expect(many.adapter == alone.adapter)
    #expect(many.losses == alone.losses)
  }

  /// Narrow sums and work for whoever is free: again nothing may show, not even a stop in between.
  @Test(arguments: [SumWidth.wide, .narrow], [(1, 1), (2, 3), (3, 2), (4, 4)])
  func widthAndStealingDoNotShow(width: SumWidth, ranks: (Int, Int)) throws {
    let folder = try TemporaryFolder()
    let alone = try run(folder, "a") { $0.config.gradientSum = width }
    _ = try run(folder, "b") {
      $0.config.gradientSum = width
      $0.config.workSchedule = .dynamic
      $0.ranks = ranks.0
      $0.stopAfter = 12
    }
    let many = try run(folder, "b") {
      $0.config.gradientSum = width
      $0.config.workSchedule = .dynamic
      $0.config.microBatchSize = 2
      $0.ranks = ranks.1
    }
    #expect(many.adapter == alone.adapter)
    #expect(many.losses == alone.losses)
    #expect(many.evaluations == alone.evaluations)
  }

  /// Steps of 2^-24 of the largest gradient of a block: losses move in the seventh digit.
  @Test func narrowSumsAreClose() throws {
    let folder = try TemporaryFolder()
    let wide = try run(folder, "a")
    let narrow = try run(folder, "b") { $0.config.gradientSum = .narrow }
    for step in 1...20 {
      let (a, b) = try (
        #require(wide.losses[step].flatMap(Double.init)),
        #require(narrow.losses[step].flatMap(Double.init))
      )
      // 20 updates of 0.05, each off by about 2^-24 of itself where Adam divides by its own size.
      #expect(abs(a - b) < 1e-6 * a, "step \(step)")
    }
  }

  /// Bad memory on one rank: named, nothing saved after it, and the run goes on from before.
  @Test(arguments: [0, 2])
  func badMemoryIsNamed(rank: Int) throws {
    let folder = try TemporaryFolder()
    let whole = try run(folder, "a")
    let error = #expect(throws: TrainingError.self) {
      try run(folder, "b") {
        $0.ranks = 3
        $0.flip = (rank, 9)  // just before checkpoint-9
      }
    }
    guard case .statesDiffer(let step, let ranks, let isMajority) = try #require(error) else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect((step, ranks, isMajority) == (9, ["rank \(rank)"], true))
    #expect(error?.exitCode == 71)
    #expect(FileManager.default.fileExists(atPath: folder("b/checkpoint-6")))
    #expect(!FileManager.default.fileExists(atPath: folder("b/checkpoint-9")))
    #expect(try run(folder, "b") { $0.ranks = 2 }.adapter == whole.adapter)
  }

  @Test func twoRanksHaveNoMajority() throws {
    let folder = try TemporaryFolder()
    let error = #expect(throws: TrainingError.self) {
      try run(folder, "a") {
        $0.ranks = 2
        $0.flip = (1, 4)
      }
    }
    guard case .statesDiffer(let step, let ranks, let isMajority) = try #require(error) else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect((step, ranks, isMajority) == (4, ["rank 0", "rank 1"], false))
  }

  /// Rank 0's clock decides; every rank then takes part in the save.
  @Test func savesByTheClock() throws {
    let folder = try TemporaryFolder()
    let whole = try run(folder, "a")
    let timed = try run(folder, "b") {
      $0.config.saveSteps = 0
      $0.config.saveInterval = 1e-9
      $0.ranks = 2
    }
    #expect(timed.adapter == whole.adapter)
    // One at the first step; after it 99 times the duration of that save must pass.
    #expect(FileManager.default.fileExists(atPath: folder("b/checkpoint-1")))
    #expect(!FileManager.default.fileExists(atPath: folder("b/checkpoint-2")))
  }

  /// More ranks than sequences a step: some ranks have nothing to do.
  @Test func idleRanks() throws {
    let folder = try TemporaryFolder()
    let alone = try run(folder, "a") { $0.config.globalBatchSize = 2 }
    let many = try run(folder, "b") {
      $0.config.globalBatchSize = 2
      $0.ranks = 4
    }
    #expect(many.adapter == alone.adapter)
    #expect(many.losses == alone.losses)
  }

  /// The signal comes to one rank; all stop together, and another number of ranks goes on.
  /// `after` counts how often a rank is asked, around every sequence: some fall into evaluations.
  @Test(arguments: [1, 9, 13, 24, 27, 40, 48], [(1, 1), (2, 3), (3, 1)])
  func resumeIsBitwise(after: Int, ranks: (Int, Int)) throws {
    let folder = try TemporaryFolder()
    let whole = try run(folder, "a")
    let first = try run(folder, "b") {
      $0.ranks = ranks.0
      $0.stopAfter = after
    }
    #expect(first.outcomes.map(\.exitCode) == Array(repeating: 75, count: ranks.0))
    #expect(!FileManager.default.fileExists(atPath: folder("b/adapter_model.safetensors")))
    let second = try run(folder, "b") { $0.ranks = ranks.1 }
    #expect(second.outcomes.map(\.exitCode) == Array(repeating: 0, count: ranks.1))
    #expect(second.adapter == whole.adapter)
    #expect(second.losses == whole.losses)
    #expect(second.evaluations == whole.evaluations)
  }

  /// A kill leaves checkpoints behind the metrics: lines beyond the checkpoint are replaced.
  @Test func metricsReadAsIfUnbroken() throws {
    let folder = try TemporaryFolder()
    let whole = try run(folder, "a") { $0.config.loggingSteps = 2 }
    _ = try run(folder, "b") {
      $0.config.loggingSteps = 2
      $0.stopAfter = 44
    }
    for (name, junk) in [
      ("jsonl", "{\"step\": 900, \"loss\": 1}\n{\"step\": 1"), ("csv", "900,1\n12"),
    ] {
      let path = folder("b/metrics.\(name)")
      let text = try String(contentsOfFile: path, encoding: .utf8)
      try (text + junk).write(toFile: path, atomically: false, encoding: .utf8)
    }
    let second = try run(folder, "b") { $0.config.loggingSteps = 2 }
    #expect(second.losses == whole.losses)
    func columns(_ name: String) throws -> [[Substring]] {
      let text = try String(contentsOfFile: folder("\(name)/metrics.csv"), encoding: .utf8)
      return text.split(separator: "\n").map {
        Array($0.split(separator: ",", omittingEmptySubsequences: false).prefix(7))
      }
    }
    #expect(try columns("a") == columns("b"))
    #expect(try columns("a").first?.first == "step")
  }

  @Test func nonFiniteStopsBeforeTheUpdate() throws {
    let folder = try TemporaryFolder()
    // A token of sequence 11 of the stream, and of no other.
    let data = ToyData(count: 23)
    let others = Set((0..<23).filter { $0 != 11 }.flatMap { data.sequence(at: $0).tokens })
    let poison = try #require(data.sequence(at: 11).tokens.first { !others.contains($0) })
    for (ranks, perPass) in [(1, 1), (1, 4), (3, 1), (3, 2)] {
      let name = "r\(ranks)p\(perPass)"
      var found: TrainingError.NonFinite?
      do {
        _ = try run(folder, name) {
          $0.ranks = ranks
          $0.config.microBatchSize = perPass
          $0.poison = poison
          $0.config.evalSteps = 0
        }
      } catch TrainingError.nonFinite(let fault) {
        found = fault
        #expect(TrainingError.nonFinite(fault).exitCode == 3)
      }
      let fault = try #require(found)
      #expect(fault.sequences.map(\.sampleIDs) == [["toy.jsonl:12"]])
      #expect((1...5).contains(fault.step))
      #expect(fault.sequences.allSatisfy { $0.rank < ranks })
      // Nothing of the failed step is kept.
      let state = folder("\(name)/checkpoint-\(fault.step)")
      #expect(!FileManager.default.fileExists(atPath: state))
    }
  }

  @Test func earlyStoppingAndBest() throws {
    let folder = try TemporaryFolder()
    // Far too large a rate: held-out loss gets worse after the first evaluations.
    let change: (inout ToyRun) -> Void = {
      $0.config.learningRate = 3
      $0.config.schedule = .constant
      $0.config.evalSteps = 2
      $0.config.maxSteps = 200
      $0.config.earlyStoppingPatience = 3
      $0.config.loadBestModelAtEnd = true
      $0.config.saveSteps = 0
    }
    let result = try run(folder, "a", change)
    guard case .finished(let results) = try #require(result.outcomes.first) else {
      Issue.record("not finished")
      return
    }
    #expect(results.reason == .early)
    #expect(results.step < 200)
    let losses = result.evaluations.compactMapValues { Double($0) }
    let best = try #require(losses.min { $0.value < $1.value })
    #expect(results.step == best.key + 2 * 3)
    #expect(results.bestMetric == best.value)
    let bestBytes = try Data(
      contentsOf: URL(fileURLWithPath: folder("a/best/adapter_model.safetensors")))
    #expect(result.adapter == Array(bestBytes))
    let last = try Data(
      contentsOf: URL(
        fileURLWithPath: folder("a/checkpoint-\(results.step)/adapter_model.safetensors")))
    #expect(last != bestBytes)
    // Starting again must not train on.
    #expect(throws: TrainingError.self) { try run(folder, "a", change) }
  }

  @Test func wallClockSavesAndStops() throws {
    let folder = try TemporaryFolder()
    let result = try run(folder, "a") {
      $0.config.maxWallTime = 1e-9
      $0.ranks = 2
    }
    #expect(result.outcomes.map(\.exitCode) == [75, 75])
    #expect(FileManager.default.fileExists(atPath: folder("a/checkpoint-1")))
  }

  @Test func epochsGiveSteps() throws {
    let folder = try TemporaryFolder()
    let result = try run(folder, "a") {
      $0.config.maxSteps = nil
      $0.config.numEpochs = 2
    }
    // 23 sequences, 5 a step: 46 / 5 rounded up.
    #expect(result.losses.keys.max() == 10)
  }
}
