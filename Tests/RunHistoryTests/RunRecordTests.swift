import Foundation
import RunHistory
import TestSupport
import Testing

@Suite struct RunRecordTests {
  private let now = Date(timeIntervalSince1970: 1_800_000_000)

  private func folder(_ run: String = "{\"ranks\":1}") throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.put("run.json", run)
    try folder.put("metrics.jsonl", "{\"step\":1,\"loss\":2}\n{\"step\":2,\"lo")
    return folder
  }

  private func read(_ folder: TemporaryFolder) throws -> RunRecord {
    try RunRecord(folder: folder.path)
  }

  @Test func whatIsNoRunIsRefused() throws {
    let folder = try TemporaryFolder()
    #expect(throws: RunHistoryError.noRun(path: folder.path)) { try read(folder) }
    #expect(RunHistoryError.noRun(path: "x").exitCode == 66)
  }

  @Test func partsThatAreTornAreEmpty() throws {
    let folder = try folder("{\"ranks\":1,")
    try folder.put("train_results.json", "[]")
    try folder.put(".lock", "nonsense")
    try folder.put("checkpoint-7/x", "")
    try folder.put("checkpoint-07/x", "")
    try folder.put(".checkpoint-9.tmp/x", "")
    let record = try read(folder)
    #expect(record.lives.isEmpty && record.results == nil && record.owner == nil)
    #expect(record.metrics[.loss].count == 1 && record.metrics.isCutShort)
    #expect(record.checkpoints == [7])
  }

  @Test func attemptsInTheirOrder() throws {
    let folder = try folder(
      """
      {"ranks":4,"hosts":["b"],"started":"2025-01-02T00:00:00Z","first_step":10,"total_steps":50,
      "previous":[7,{"ranks":2,"hosts":["a"],"ended":{"reason":"failed","step":10,"cause":"no"}}]}
      """)
    let record = try read(folder)
    #expect(record.lives.map(\.ranks) == [2, 4])
    #expect(record.lives[0].end == RunEnd(reason: .failed, step: 10, time: nil, cause: "no"))
    #expect(record.life?.firstStep == 10 && record.totalSteps == 50)
  }

  @Test(arguments: [
    ("complete", RunState.finished), ("early_stopping", .finished), ("stopped", .stopped),
    ("failed", .failed), ("?", .unknown),
  ])
  func statesOfEndedRuns(reason: String, state: RunState) throws {
    let folder = try folder("{\"ended\":{\"reason\":\"\(reason)\",\"step\":1}}")
    #expect(try read(folder).state(at: now) == state)
  }

  @Test func statesOfOwnedRuns() throws {
    let folder = try folder()
    let owner = RunOwner(
      host: ProcessInfo.processInfo.hostName, process: Int(getpid()), since: now, attempt: "a1")
    try folder.put(".lock", owner.description + "\n")
    #expect(try read(folder).owner == owner)
    #expect(try read(folder).state(at: now) == .running)
    var gone = owner
    // Above the largest process number of Linux.
    gone.process = 1 << 23
    try folder.put(".lock", gone.description + "\n")
    #expect(try read(folder).state(at: now) == .failed)
    var elsewhere = owner
    elsewhere.host = "no-such-host"
    try folder.put(".lock", elsewhere.description + "\n")
    #expect(try read(folder).state(at: now + 60) == .running)
    #expect(try read(folder).state(at: now + 1e9) == .unknown)
  }

  @Test(arguments: [
    "", "host a", "host a, process x, since 2025-01-01T00:00:00Z, attempt b",
    "host a, process 0, since 2025-01-01T00:00:00Z, attempt b",
    "host a, process 1, since yesterday, attempt b",
  ])
  func otherTextsAreNoOwners(text: String) { #expect(RunOwner(parsing: text) == nil) }

  @Test func timeLeftByTheNewestPace() throws {
    let folder = try folder("{\"total_steps\":100}")
    let lines = (1...60).map { "{\"step\":\($0),\"train_runtime\":\($0 <= 5 ? 0 : $0 * 2)}\n" }
    try folder.put("metrics.jsonl", lines.joined())
    #expect(try read(folder).secondsLeft == 80)
  }

  @Test func settingsByTheirLines() {
    let settings = RunSettings(
      parsing: "# x\nmodel: \"a: b\\u00e4\"\nlr: 0.5\nwords: [a, \"b c\"]\nlr2: 1e999\n  odd: 1\n")
    #expect(settings.text("model") == "a: b\u{E4}")
    #expect(settings.number("lr") == 0.5 && settings.number("lr2") == nil)
    #expect(settings.words("words") == ["a", "b c"])
    #expect(settings["odd"] == nil && settings.all.count == 4)
    let other = RunSettings(parsing: "lr: 0.25\nwords: [a, \"b c\"]\nnew: 1\n")
    let differences = RunSettings.differences([settings, other])
    #expect(differences.map(\.key) == ["model", "lr", "lr2", "new"])
    #expect(differences[1].values == ["0.5", "0.25"] && differences[3].values == [nil, "1"])
  }

  @Test func runsBelowAFolder() throws {
    let folder = try TemporaryFolder()
    for name in ["a", "b/c", "b/c/inner", "b/d/e"] {
      try folder.put("\(name)/run.json", "{}")
      try folder.put("\(name)/metrics.jsonl", "")
    }
    try folder.put("x/run.json", "{}")
    let found = RunRecord.folders(below: folder.path)
    #expect(found == ["a", "b/c", "b/d/e"].map { folder($0) })
    #expect(RunRecord.folders(below: folder("a")) == [folder("a")])
    #expect(RunRecord.folders(below: folder("nowhere")).isEmpty)
  }
}
