import Foundation
import Reports
import RunHistory
import TestSupport
import Testing

/// Pages on several runs call each by as much of its path as tells it apart.
@Suite struct RunNamesTests {
  private func names(_ folder: TemporaryFolder, _ paths: [String]) throws -> [String] {
    for path in paths {
      try folder.put("\(path)/run.json", "{}")
      try folder.put("\(path)/metrics.jsonl", "")
    }
    let runs = try paths.map { Report.Run(try RunRecord(folder: folder($0))) }
    let names = Report(runs, maker: "test").runs.map(\.name)
    #expect(Set(names).count == names.count)
    return names
  }

  @Test(arguments: [
    (["run"], ["run"]),
    (["a/x", "b/y"], ["x", "y"]),
    (["a/run", "b/run", "c/other"], ["a/run", "b/run", "other"]),
    (["lr1/sft/run", "lr2/sft/run", "lr2/dpo/run"], ["lr1/sft/run", "lr2/sft/run", "dpo/run"]),
    (["a/run/", "a/./run2"], ["run", "run2"]),
  ])
  func endsOfPaths(paths: [String], wanted: [String]) throws {
    #expect(try names(TemporaryFolder(), paths) == wanted)
  }

  /// A path that is the end of another is shown whole; what is given twice has a number.
  @Test func oddPaths() throws {
    let folder = try TemporaryFolder()
    let outer = folder.path + "/run"
    let below = String(outer.dropFirst())
    let last = "\(folder.url.lastPathComponent)\(outer)"
    #expect(try names(folder, ["run", below]) == [outer, last])
    #expect(try names(folder, ["run", "b/run", "run"]) == [outer, "b/run", outer + " (2)"])
  }
}
