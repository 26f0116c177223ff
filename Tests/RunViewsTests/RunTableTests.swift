import Foundation
import JSONText
import RunHistory
import RunViews
import TestSupport
import Testing

@Suite struct RunTableTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.run("a", steps: 20)
    try folder.run("deep/b", steps: 100, loss: { 5 / Double($0) }, finished: true)
    try folder.run("deep/c", steps: 5, loss: { _ in 3 })
  }

  private func table() -> RunTable {
    RunTable(RunRecord.folders(below: folder.path), below: folder.path)
  }

  @Test func rowsOfRuns() throws {
    let rows = table().rows
    #expect(rows.map(\.name) == ["a", "deep/b", "deep/c"])
    #expect(rows.map(\.step) == [20, 100, 5])
    #expect(rows[1].state == .finished && rows[0].state == .stopped)
    #expect(rows[0].loss == 0.2 && rows[0].evaluation == 1.2 && rows[0].totalSteps == 100)
    #expect(rows[2].evaluation == nil && rows[2].host == "node1")
    #expect(rows.allSatisfy { $0.problem == nil })
  }

  /// What has no value stands last, either way.
  @Test func sorting() {
    func names(_ key: RunTable.Key, reversed: Bool = false) -> [String] {
      var table = table()
      table.sort(by: key, reversed: reversed)
      return table.rows.map { String($0.name.suffix(1)) }
    }
    #expect(names(.step) == ["c", "a", "b"] && names(.step, reversed: true) == ["b", "a", "c"])
    #expect(names(.loss) == ["b", "a", "c"])
    #expect(names(.eval) == ["b", "a", "c"] && names(.eval, reversed: true) == ["a", "b", "c"])
    #expect(names(.name, reversed: true) == ["c", "b", "a"])
    #expect(names(.host) == ["a", "b", "c"])
    for key in RunTable.Key.allCases { #expect(Set(names(key)) == ["a", "b", "c"]) }
  }

  /// A broken folder is a line that says so, and the others are there.
  @Test func brokenFolders() throws {
    try folder.put("a/run.json", "{ torn")
    try folder.put("deep/c/metrics.jsonl", "nonsense\n{\"step\":3,\"loss\":2}\n")
    try folder.put("deep/d/run.json", "{}")
    try folder.put("deep/d/config.resolved.yaml", "")
    let rows = table().rows
    #expect(rows.map(\.name) == ["a", "deep/b", "deep/c", "deep/d"])
    #expect(rows[0].problem == "run.json cannot be read" && rows[0].step == 20)
    #expect(rows[1].problem == nil)
    #expect(rows[2].problem == "1 line of metrics.jsonl cannot be read" && rows[2].loss == 2)
    #expect(rows[3].problem == "config.resolved.yaml cannot be read")
    let lines = table().lines
    #expect(lines.count == 1 + 4 + 3)
    let gone = RunTable([folder("none")], below: folder.path)
    #expect(gone.rows[0].problem?.contains("no run is here") == true)
  }

  @Test func json() throws {
    let json = table().json
    #expect(json.array?.count == 3)
    #expect(json[1]?["state"]?.string == "finished" && json[1]?["step"]?.int == 100)
    #expect(json[2]?["best_eval_loss"]?.isNull == true)
    _ = try JSONValue(parsing: json.text(indent: 2))
  }

  /// Folders that lead back to themselves, and depth.
  @Test func linksAreNotFollowed() throws {
    try FileManager.default.createSymbolicLink(
      atPath: folder("deep/loop"), withDestinationPath: folder.path)
    #expect(table().rows.count == 3)
    #expect(RunRecord.folders(below: folder.path, depth: 1) == [folder("a")])
  }
}
