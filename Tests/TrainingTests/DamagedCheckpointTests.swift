import Checkpoints
import Foundation
import JSONText
import Synchronization
import TestSupport
import Testing
import Training

/// What of a checkpoint is not whole is never gone on from.
@Suite struct DamagedCheckpointTests {
  private let files = FileManager.default

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
    let whole = try toy(folder) { $0.config.outputDirectory = folder("whole") }()
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
    let whole = try toy(folder) { $0.config.outputDirectory = folder("whole") }()
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
