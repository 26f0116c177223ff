import Foundation
import JSONText
import Synchronization
import TestSupport
import Testing
import Training

/// Which checkpoints there are, and which runs go on from them.
@Suite struct CheckpointTests {
  private let files = FileManager.default

  @Test func keepsSoMany() throws {
    let folder = try TemporaryFolder()
    _ = try toy(folder) { $0.config.saveTotalLimit = 2 }()
    let kept = try files.contentsOfDirectory(atPath: folder("run")).filter {
      $0.hasPrefix("checkpoint-")
    }
    #expect(Set(kept) == ["checkpoint-18", "checkpoint-20"])
    #expect(files.fileExists(atPath: folder("run/best/adapter_model.safetensors")))
  }

  @Test func resumeFromPath() throws {
    let folder = try TemporaryFolder()
    let whole = try toy(folder)()
    let copy = try toy(folder) {
      $0.config.outputDirectory = folder("copy")
      $0.config.resume = .path(folder("run/checkpoint-9"))
    }()
    #expect(copy.adapter == whole.adapter)
    #expect(copy.losses == whole.losses.filter { $0.key > 9 })
    let missing = toy(folder) { $0.config.resume = .path(folder("nowhere")) }
    let error = #expect(throws: TrainingError.self) { try missing() }
    #expect(error?.exitCode == 66)
  }

  /// Nothing gets better here after the first evaluation, at step 4: what a run that goes on from
  /// step 9 has to load at its end stands beside its checkpoint, or nowhere any more.
  @Test(arguments: [false, true]) func bestOfAnotherFolder(isGone: Bool) throws {
    let folder = try TemporaryFolder()
    let change: (inout ToyRun) -> Void = {
      $0.ranks = 2
      $0.config.learningRate = 0
      $0.config.loadBestModelAtEnd = true
    }
    let whole = try toy(folder, change)()
    if isGone { try files.removeItem(atPath: folder("run/best")) }
    let told = Mutex<[String]>([])
    var copy = toy(folder, change)
    copy.config.outputDirectory = folder("copy")
    copy.config.resume = .path(folder("run/checkpoint-9"))
    let result = try copy(report: { event in
      if case .notice(let text) = event { told.withLock { $0.append(text) } }
    })
    #expect(result.outcomes.map(\.exitCode) == [0, 0] && result.adapter == whole.adapter)
    #expect(told.withLock { $0.contains { $0.contains("best is gone") } } == isGone)
    #expect(files.fileExists(atPath: folder("copy/best/adapter_config.json")))
    guard case .finished(let results) = result.outcomes[0] else { return }
    #expect(results.bestMetric != nil)
  }

  /// Who goes back and evaluates no more finds the adapter of a step in `best/` that is given up:
  /// it is not what the run ends with.
  @Test func bestOfACourseGivenUp() throws {
    let folder = try TemporaryFolder()
    let whole = try toy(folder) { $0.config.loadBestModelAtEnd = true }()
    let told = Mutex<[String]>([])
    let best = try Data(contentsOf: URL(filePath: folder("run/best/adapter_model.safetensors")))
    let other = toy(folder) {
      $0.config.loadBestModelAtEnd = true
      $0.config.resume = .path(folder("run/checkpoint-6"))
      $0.evaluates = false
      $0.config.maxSteps = 9
    }
    let result = try other(report: { event in
      if case .notice(let text) = event { told.withLock { $0.append(text) } }
    })
    #expect(result.outcomes.map(\.exitCode) == [0] && whole.outcomes.map(\.exitCode) == [0])
    #expect(told.withLock { $0.contains { $0.contains("not of this course") } })
    #expect(result.adapter != [UInt8](best))
  }

  /// Who goes back to an earlier checkpoint does not meet the later ones at the next start.
  @Test func goingBackRemovesLaterCheckpoints() throws {
    let folder = try TemporaryFolder()
    _ = try toy(folder)()
    _ = try toy(folder) {
      $0.config.resume = .path(folder("run/checkpoint-6"))
      $0.config.maxSteps = 9
    }()
    let kept = try files.contentsOfDirectory(atPath: folder("run")).filter {
      $0.hasPrefix("checkpoint-")
    }
    #expect(Set(kept) == ["checkpoint-3", "checkpoint-6", "checkpoint-9"])
  }

  /// A run that was killed between its last checkpoint and its results ends where it begins: the
  /// verified checkpoint is not written again.
  @Test(arguments: [1, 2]) func savesNoStateTwice(ranks: Int) throws {
    let folder = try TemporaryFolder()
    let first = try toy(folder) { $0.ranks = ranks }()
    let path = folder("run/checkpoint-20/optimizer.safetensors")
    func inode() throws -> Int? {
      try files.attributesOfItem(atPath: path)[.systemFileNumber] as? Int
    }
    let before = try inode()
    try files.removeItem(atPath: folder("run/train_results.json"))
    let saved = Mutex(0)
    let second = try toy(folder) { $0.ranks = ranks }(
      report: { if case .saved = $0 { saved.withLock { $0 += 1 } } })
    #expect(try inode() == before && before != nil)
    #expect(saved.withLock { $0 } == 0)
    #expect(second.adapter == first.adapter)
    #expect(files.fileExists(atPath: folder("run/train_results.json")))
  }

  /// What a checkpoint holds of the metrics does not grow with the run.
  @Test func historyIsBounded() {
    var state = TrainerState()
    state.note(["step": 0, "eval_loss": 0.5])
    for step in 1...3000 { state.note(["step": .integer(step), "loss": 1.0]) }
    #expect(state.logHistory.count == TrainerState.historyLimit)
    #expect(state.logHistory.first == ["step": 0, "eval_loss": 0.5])
    #expect(state.logHistory.dropFirst().first?["step"]?.int == 2002)
    #expect(state.logHistory.last?["step"]?.int == 3000)
  }

  /// A checkpoint that is older than a key goes on with the key's default, and with nothing else.
  @Test func newerKeysHadTheirDefaults() {
    var (mine, old) = (RunIdentity(), RunIdentity())
    old.settings = [.init(key: "seed", value: "42")]
    mine.settings = old.settings + [.init(key: "scale_rank", value: "0")]
    #expect(mine.differences(from: old).isEmpty)
    mine.settings[1].value = "2"
    #expect(mine.differences(from: old) == ["scale_rank: the checkpoint has 0, this run 2"])
  }

  /// Where nothing but the kind of products differs, it is said which `dtype` has it.
  @Test func saysWhichProductsGoOn() {
    func differences(_ theirs: String, _ mine: String) -> [String] {
      var (own, old) = (RunIdentity(), RunIdentity())
      own.settings = [.init(key: "kernels", value: mine)]
      old.settings = [.init(key: "kernels", value: theirs)]
      return own.differences(from: old)
    }
    #expect(
      differences("avx512 fp32", "avx512 fp32 int8") == [
        "kernels: the checkpoint has avx512 fp32, this run avx512 fp32 int8. "
          + "dtype: fp32 goes on as it began"
      ])
    #expect(
      differences("avx2 fp32 int8", "avx2 fp32")[0].hasSuffix("dtype: int8 goes on as it began"))
    #expect(
      differences("avx2 fp32", "avx512 fp32") == [
        "kernels: the checkpoint has avx2 fp32, this run avx512 fp32"
      ])
    #expect(differences("avx2 fp32", "avx2 fp32").isEmpty)
  }

  /// The settings that make a run another one are named, all of them.
  @Test func refusesAnotherRun() throws {
    let folder = try TemporaryFolder()
    _ = try toy(folder) { $0.stopAfter = 20 }()
    let other = toy(folder) {
      $0.config.seed = 7
      $0.config.globalBatchSize = 6
      $0.config.learningRate = 1
      $0.dataDigest = "other"
    }
    let error = #expect(throws: TrainingError.self) { try other() }
    guard case .resumeMismatch(_, let differences) = try #require(error) else {
      Issue.record("\(String(describing: error))")
      return
    }
    let names = differences.map { $0.prefix { $0 != ":" } }
    #expect(
      Set(names) == ["seed", "global_batch_size", "learning_rate", "training data (digest)"])
    #expect(error?.exitCode == 78)
    // What does not change the result may change.
    let same = toy(folder) {
      $0.config.loggingSteps = 5
      $0.config.microBatchSize = 4
      $0.config.threads = 2
    }
    #expect(try same().outcomes.map(\.exitCode) == [0])
  }
}
