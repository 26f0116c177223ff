import Checkpoints
import DecoderModel
import ExitCodes
import Foundation
import JSONText
import Synchronization
import TestSupport
import Testing
import Training

/// A small file system in memory.
private struct SmallDisk {
  struct Refused: Error {}
  private let path: String

  init(at path: String, size: String) throws {
    guard mount("tmpfs", path, "tmpfs", 0, "size=\(size)") == 0 else { throw Refused() }
    self.path = path
  }

  func remove() { umount2(path, Int32(MNT_DETACH)) }

  static let isPossible: Bool = {
    guard let folder = try? TemporaryFolder(),
      let disk = try? SmallDisk(at: folder.path, size: "4k")
    else { return false }
    disk.remove()
    return true
  }()
}

@Suite struct CheckpointTests {
  private let files = FileManager.default

  private func toy(_ folder: TemporaryFolder, _ change: (inout ToyRun) -> Void = { _ in }) -> ToyRun
  {
    var run = ToyRun(folder("run"))
    change(&run)
    return run
  }

  private func flipBit(_ path: String, at offset: Int) throws {
    var data = try Data(contentsOf: URL(fileURLWithPath: path))
    let index = offset < 0 ? data.count + offset : offset
    data[index] ^= 1
    try data.write(to: URL(fileURLWithPath: path))
  }

  enum Damage: CaseIterable, Sendable {
    case bitInOptimizer, bitInAdapter, bitInState, cutOptimizer, emptyState, missingAdapter
    case noFiles
  }

  /// A damaged newest checkpoint is passed over, aloud, and the run ends with the same bytes.
  @Test(arguments: Damage.allCases)
  func fallsBack(damage: Damage) throws {
    let folder = try TemporaryFolder()
    var unbroken = toy(folder)
    unbroken.config.outputDirectory = folder("whole")
    let whole = try unbroken()
    _ = try toy(folder) { $0.stopAfter = 62 }()
    let root = folder("run")
    let latest = try String(contentsOfFile: root + "/latest", encoding: .utf8)
      .trimmingCharacters(in: .newlines)
    let newest = root + "/" + latest
    switch damage {
    case .bitInOptimizer: try flipBit(newest + "/optimizer.safetensors", at: -5)
    case .bitInAdapter: try flipBit(newest + "/adapter_model.safetensors", at: -1)
    case .bitInState: try flipBit(newest + "/trainer_state.json", at: 21)
    case .cutOptimizer: #expect(truncate(newest + "/optimizer.safetensors", 100) == 0)
    case .emptyState: #expect(truncate(newest + "/trainer_state.json", 0) == 0)
    case .missingAdapter: try files.removeItem(atPath: newest + "/adapter_model.safetensors")
    case .noFiles:
      try files.removeItem(atPath: newest)
      try files.createDirectory(atPath: newest, withIntermediateDirectories: false)
    }
    let notices = Mutex<[String]>([])
    let second = try toy(folder)() { event in
      if case .notice(let text) = event { notices.withLock { $0.append(text) } }
    }
    #expect(second.adapter == whole.adapter)
    #expect(second.losses == whole.losses)
    let told = notices.withLock { $0 }
    #expect(told.contains { $0.hasPrefix("\(latest) cannot be used: ") })
    #expect(told.contains { $0.hasPrefix("falling back to checkpoint-") })
  }

  @Test func allDamagedIsAnError() throws {
    let folder = try TemporaryFolder()
    _ = try toy(folder) { $0.stopAfter = 13 }()
    for name in try files.contentsOfDirectory(atPath: folder("run"))
    where name.hasPrefix("checkpoint-") {
      try flipBit(folder("run/\(name)/optimizer.safetensors"), at: -1)
    }
    let error = #expect(throws: TrainingError.self) { try toy(folder)() }
    #expect(error?.exitCode == 66)
  }

  /// Files of a save that was cut short are no checkpoint and get out of the way.
  @Test func tornSave() throws {
    let folder = try TemporaryFolder()
    _ = try toy(folder) { $0.stopAfter = 13 }()
    let torn = folder("run/.checkpoint-3.tmp")
    try files.createDirectory(atPath: torn, withIntermediateDirectories: true)
    try Data([1, 2, 3]).write(to: URL(fileURLWithPath: torn + "/optimizer.safetensors"))
    try "checkpoint-999\n".write(
      toFile: folder("run/latest"), atomically: true, encoding: .utf8)
    let result = try toy(folder)()
    #expect(result.outcomes.map(\.exitCode) == [0])
    #expect(!files.fileExists(atPath: torn))
    let latest = try String(contentsOfFile: folder("run/latest"), encoding: .utf8)
    #expect(latest == "checkpoint-20\n")
  }

  /// A save that was killed before the new checkpoint had its name, or while the old one had
  /// stepped aside: the whole one is found under its hidden name, and is not removed as torn.
  @Test(arguments: [".checkpoint-12.tmp", ".checkpoint-12.tmp.old"])
  func adoptsWholeCheckpointWithoutName(hidden: String) throws {
    let folder = try TemporaryFolder()
    var unbroken = toy(folder)
    unbroken.config.outputDirectory = folder("whole")
    let whole = try unbroken()
    _ = try toy(folder) {
      $0.stopAfter = 62
      $0.config.saveTotalLimit = 1
    }()
    let root = folder("run")
    let name = try #require(
      files.contentsOfDirectory(atPath: root).first { $0.hasPrefix("checkpoint-") })
    let hidden = hidden.replacingOccurrences(of: "checkpoint-12", with: name)
    try files.moveItem(atPath: root + "/" + name, toPath: root + "/" + hidden)
    let notices = Mutex<[String]>([])
    let second = try toy(folder)() { event in
      if case .notice(let text) = event { notices.withLock { $0.append(text) } }
    }
    let told = notices.withLock { $0 }
    #expect(told.contains { $0.hasPrefix("\(name) was whole and had not got its name") })
    #expect(told.contains { $0.contains("continuing from \(root)/\(name)") })
    #expect(second.adapter == whole.adapter && second.losses == whole.losses)
    #expect(!files.fileExists(atPath: root + "/" + hidden))
  }

  /// A save that was killed after renaming and before `latest`: the newer checkpoint counts.
  @Test func newestWholeCheckpointWins() throws {
    let folder = try TemporaryFolder()
    _ = try toy(folder) { $0.stopAfter = 62 }()
    let root = folder("run")
    let newest = try String(contentsOfFile: root + "/latest", encoding: .utf8)
      .trimmingCharacters(in: .newlines)
    #expect(newest != "checkpoint-3")
    try "checkpoint-3\n".write(toFile: root + "/latest", atomically: true, encoding: .utf8)
    let notices = Mutex<[String]>([])
    _ = try toy(folder)() { event in
      if case .notice(let text) = event { notices.withLock { $0.append(text) } }
    }
    #expect(notices.withLock { $0 }.contains { $0.contains("continuing from \(root)/\(newest)") })
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

  /// Counts that a whole state cannot have: refused as damage, whatever its digest says.
  @Test(arguments: [
    ("num_input_tokens_seen", Int.max), ("supervised_tokens_seen", -1),
    ("unlogged_tokens", 1 << 54), ("evaluations_without_best", Int.max),
    ("last_evaluation", -7), ("global_step", Int.max), ("max_steps", -1),
  ])
  func refusesImpossibleCounts(key: String, value: Int) throws {
    let folder = try TemporaryFolder()
    _ = try toy(folder) { $0.stopAfter = 20 }()
    let root = folder("run")
    for name in try files.contentsOfDirectory(atPath: root) where name.hasPrefix("checkpoint-") {
      let path = root + "/" + name + "/trainer_state.json"
      var json = try JSONValue(parsing: OpenFile.contents(of: path))
      json = json.replacing(key, .integer(value))
      let members = (json.members ?? []).filter { $0.key != "sha256" }
      let digest = SHA256.hexDigest(of: Array(JSONValue.object(members).text().utf8))
      let sealed = members + [.init(key: "sha256", value: .string(digest))]
      try AtomicFile.write(JSONValue.object(sealed).text(), to: path)
    }
    let error = #expect(throws: TrainingError.self) { try toy(folder)() }
    #expect(error?.exitCode == 66)
  }

  /// Scales that no adapter can hold end the run, in the last step too, and are never saved.
  @Test(arguments: [7, 20], [1, 2])
  func infiniteScalesAreNotSaved(update: Int, ranks: Int) throws {
    let folder = try TemporaryFolder()
    let run = toy(folder) {
      $0.ranks = ranks
      $0.scaleFaults = (update, ScaleFaults(notFinite: 2))
      $0.config.saveSteps = 1
    }
    let error = #expect(throws: TrainingError.self) { try run() }
    #expect(error?.exitCode == 3)
    #expect("\(String(describing: error))".contains("step \(update): the update made 2 scales"))
    let root = folder("run")
    let latest = try String(contentsOfFile: root + "/latest", encoding: .utf8)
    #expect(latest == "checkpoint-\(update - 1)\n")
    #expect(!files.fileExists(atPath: root + "/checkpoint-\(update)"))
    #expect(!files.fileExists(atPath: root + "/adapter_model.safetensors"))
  }

  /// New signs and zeros are warned of once, and again when they have doubled.
  @Test func newSignsAreWarnedOf() throws {
    let folder = try TemporaryFolder()
    let told = Mutex<[String]>([])
    _ = try toy(folder) {
      $0.scaleFaults = (5, ScaleFaults(flipped: 3, zeroed: 1))
      $0.ranks = 2
    }(report: { event in
      if case .notice(let text) = event, text.contains("another sign") {
        told.withLock { $0.append(text) }
      }
    })
    let texts = told.withLock { $0 }
    #expect(texts.count == 1)
    #expect(texts.first?.hasPrefix("warning: after step 5, 3 scales have another sign") == true)
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

  /// A checkpoint that is older than a key goes on with the key's default, and with nothing else.
  @Test func newerKeysHadTheirDefaults() {
    var (mine, old) = (RunIdentity(), RunIdentity())
    old.settings = [.init(key: "seed", value: "42")]
    mine.settings = old.settings + [.init(key: "scale_rank", value: "0")]
    #expect(mine.differences(from: old).isEmpty)
    mine.settings[1].value = "2"
    #expect(mine.differences(from: old) == ["scale_rank: the checkpoint has 0, this run 2"])
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

  @Test func finishedRunIsNotReplaced() throws {
    let folder = try TemporaryFolder()
    let first = try toy(folder)()
    for resume in [ResumeMode.auto, .never] {
      let again = toy(folder) { $0.config.resume = resume }
      let error = #expect(throws: TrainingError.self) { try again() }
      #expect(error?.exitCode == 73)
    }
    let kept = try Data(
      contentsOf: URL(fileURLWithPath: folder("run/adapter_model.safetensors")))
    #expect(Array(kept) == first.adapter)
    let replaced = try toy(folder) {
      $0.config.overwriteOutputDirectory = true
      $0.config.resume = .never
      $0.config.maxSteps = 6
    }()
    #expect(replaced.losses.keys.max() == 6)
    #expect(!files.fileExists(atPath: folder("run/checkpoint-18")))
  }

  /// A second run on the same folder is refused while the first one works.
  @Test func lock() throws {
    let folder = try TemporaryFolder()
    let outcome = Mutex<Int32?>(nil)
    let inner = toy(folder)
    _ = try toy(folder)() { event in
      guard case .saved = event, outcome.withLock({ $0 == nil }) else { return }
      var code: Int32 = 0
      do { _ = try inner() } catch { code = error.programExitCode }
      outcome.withLock { $0 = code }
    }
    #expect(outcome.withLock { $0 } == 73)
  }

  /// A life whose lock was taken over writes nothing more.
  @Test func lostLock() throws {
    let folder = try TemporaryFolder()
    let path = folder("run/.lock")
    let run = toy(folder)
    let error = #expect(throws: TrainingError.self) {
      try run { event in
        guard case .saved = event else { return }
        try? Data("host other\n".utf8).write(to: URL(fileURLWithPath: path))
      }
    }
    #expect(error?.exitCode == 73)
    #expect(files.fileExists(atPath: folder("run/checkpoint-3")))
    #expect(!files.fileExists(atPath: folder("run/checkpoint-6")))
  }

  /// Leaves less room on a disk than one more checkpoint needs.
  private func fill(_ disk: String) {
    let filler = disk + "/filler"
    _ = files.createFile(atPath: filler, contents: nil)
    let room = (try? files.attributesOfFileSystem(forPath: disk)[.systemFreeSize] as? Int) ?? 0
    _ = files.createFile(atPath: filler, contents: Data(count: max(0, room - 4096)))
  }

  /// A disk that is full for a while: training goes on, says so, and ends with the same bytes.
  /// Needs root, to mount a small file system.
  @Test(.enabled(if: SmallDisk.isPossible, "mounting needs root"))
  func fullDiskForAWhile() throws {
    let folder = try TemporaryFolder()
    var unbroken = toy(folder)
    unbroken.config.outputDirectory = folder("whole")
    let whole = try unbroken()
    let disk = folder("run")
    try files.createDirectory(atPath: disk, withIntermediateDirectories: false)
    let mounted = try SmallDisk(at: disk, size: "300k")
    defer { mounted.remove() }
    let notices = Mutex<[String]>([])
    let saved = Mutex<[Int]>([])
    let result = try toy(folder) {
      $0.ranks = 2
      $0.config.saveTotalLimit = 2
      $0.config.evalSteps = 0
    }(report: { event in
      switch event {
      case .saved(let path):
        saved.withLock {
          $0 += path.split(separator: "-").last.flatMap { Int($0) }.map { [$0] } ?? []
        }
        if path.hasSuffix("checkpoint-6") { fill(disk) }
      case .notice(let text) where text.contains("could not be saved"):
        notices.withLock { $0.append(text) }
        let latest = try? String(contentsOfFile: disk + "/latest", encoding: .utf8)
        #expect(latest == "checkpoint-6\n")
        #expect(!files.fileExists(atPath: disk + "/.checkpoint-9.tmp"))
        try? files.removeItem(atPath: disk + "/filler")
      default: break
      }
    })
    let told = notices.withLock { $0 }
    #expect(told.count == 1)
    #expect(told.first?.hasPrefix("warning: checkpoint-9 could not be saved: ") == true)
    // The next step tries again, not only the next multiple of save_steps.
    #expect(saved.withLock { $0 } == [3, 6, 10, 12, 15, 18, 20])
    #expect(result.adapter == whole.adapter)
    #expect(result.losses.keys.sorted() == Array(1...20))
  }

  /// A `best/` that cannot be written costs a warning; the next better one takes its place.
  @Test(arguments: [1, 3]) func bestCannotBeWritten(ranks: Int) throws {
    let folder = try TemporaryFolder()
    var unbroken = toy(folder)
    unbroken.config.outputDirectory = folder("whole")
    let whole = try unbroken()
    try files.createDirectory(atPath: folder("run"), withIntermediateDirectories: false)
    let obstacle = folder("run/best")
    try Data().write(to: URL(fileURLWithPath: obstacle))
    let told = Mutex(0)
    let result = try toy(folder) { $0.ranks = ranks }(report: { event in
      guard case .notice(let text) = event, text.contains("best adapter so far, of step 4") else {
        return
      }
      told.withLock { $0 += 1 }
      try? files.removeItem(atPath: obstacle)
    })
    #expect(told.withLock { $0 } == 1)
    #expect(result.adapter == whole.adapter)
    #expect(result.evaluations == whole.evaluations)
    #expect(files.fileExists(atPath: obstacle + "/adapter_model.safetensors"))
  }

  /// A disk that stays full: the last save cannot be done without, 74; the earlier checkpoint
  /// stays, and with room again the run goes on to the same bytes.
  @Test(.enabled(if: SmallDisk.isPossible, "mounting needs root"))
  func fullDisk() throws {
    let folder = try TemporaryFolder()
    var unbroken = toy(folder)
    unbroken.config.outputDirectory = folder("whole")
    let whole = try unbroken()
    let disk = folder("run")
    try files.createDirectory(atPath: disk, withIntermediateDirectories: false)
    let mounted = try SmallDisk(at: disk, size: "160k")
    defer { mounted.remove() }
    let error = #expect(throws: (any Error).self) {
      try toy(folder) {
        $0.ranks = 2
        $0.config.evalSteps = 0
      }(report: { event in
        guard case .saved(let path) = event, path.hasSuffix("checkpoint-6") else { return }
        fill(disk)
      })
    }
    #expect(error?.programExitCode == 74)
    let latest = try String(contentsOfFile: disk + "/latest", encoding: .utf8)
    #expect(latest == "checkpoint-6\n")
    #expect(!files.fileExists(atPath: disk + "/.checkpoint-9.tmp"))
    try files.removeItem(atPath: disk + "/filler")
    let again = try toy(folder) {
      $0.config.saveTotalLimit = 1
      $0.config.evalSteps = 0
    }()
    #expect(again.adapter == whole.adapter)
  }
}

extension JSONValue {
  /// The same object with another value wherever it has this key.
  fileprivate func replacing(_ key: String, _ value: JSONValue) -> JSONValue {
    guard let members else { return self }
    return .object(
      members.map {
        Member(key: $0.key, value: $0.key == key ? value : $0.value.replacing(key, value))
      })
  }
}
