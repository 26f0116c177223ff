import Foundation
import JSONText
import Reports
import RunHistory
import TestSupport
import Testing

/// Scores that training has measured, in tables and drawings.
@Suite struct TaskScoreTests {
  private static func record(_ step: Int, _ value: Double, _ error: String) -> String {
    """
    {"step":\(step),"epoch":0.5,"piqa/acc":\(value),"piqa/acc_stderr":\(error),"task_runtime":2}

    """
  }

  private func run(
    _ folder: TemporaryFolder, _ metrics: String, name: String = "run", results: String? = nil
  ) throws -> Report.Run {
    try folder.put("\(name)/metrics.jsonl", metrics)
    try folder.put("\(name)/run.json", "{}")
    if let results { try folder.put("\(name)/train_results.json", results) }
    return Report.Run(try RunRecord(folder: folder(name)))
  }

  private func page(_ runs: [Report.Run]) -> String { Report(runs, maker: "test").text }

  /// The section on tasks, without what is only drawn.
  private func cells(_ page: String) throws -> [[String]] {
    let section = try #require(page.components(separatedBy: "<h2>Tasks</h2>").dropFirst().first)
    let table = section.components(separatedBy: "</table>")[0]
    return table.components(separatedBy: "<tr>").dropFirst(2).map { row in
      row.components(separatedBy: "</td>").dropLast().map {
        $0.replacing(/<[^>]*>/, with: "").trimmingCharacters(in: .whitespacesAndNewlines)
      }
    }
  }

  @Test func baseAndLastStandInTheTable() throws {
    let folder = try TemporaryFolder()
    let metrics =
      Self.record(0, 0.25, "0.05") + Self.record(500, 0.375, "0.0625")
      + Self.record(1000, 0.5, "0.125")
    var run = try run(folder, metrics)
    let file = try JSONValue(
      parsing: #"{"adapter":"a","tasks":{"piqa":{"acc":0.5125,"acc_stderr":0.02,"n":1838}}}"#)
    run.findings.tasks = [try #require(TaskResults(file))]
    #expect(
      try cells(page([run])) == [
        ["piqa", "acc", "tuned", "1,838", "0.5125 \u{B1} 0.02", ""],
        ["", "", "step 0", "-", "0.2500 \u{B1} 0.05", ""],
        ["", "", "step 1,000", "-", "0.5000 \u{B1} 0.12", ""],
      ])
  }

  /// Lines reach from value - error to value + error; the axis goes from 0 to 1 in thousandths,
  /// downwards.
  @Test func coursesHaveErrorBars() throws {
    let folder = try TemporaryFolder()
    let metrics =
      Self.record(0, 0, "0") + Self.record(50, 0.5, "0.25") + Self.record(100, 1, "null")
    let text = page([try run(folder, metrics)])
    #expect(text.contains("d=\"M0 1000V1000M500 250V750M1000 0V0\""))
    #expect(text.contains("d=\"M0 1000L500 500 1000 0\""))
    // One measurement is no course.
    let one = page([try run(folder, Self.record(50, 0.5, "0.25"), name: "one")])
    #expect(one.contains("0.5000") && !one.contains("<figure"))
  }

  /// Scores of a run whose metrics are written nowhere stand in its results.
  @Test func resultsStandInForMetrics() throws {
    let folder = try TemporaryFolder()
    let results = #"{"global_step":30,"tasks":{"my/own/acc":0.5,"my/own/acc_stderr":null}}"#
    let rows = try cells(page([try run(folder, "", results: results)]))
    #expect(rows == [["my/own", "acc", "step 30", "-", "0.5000", ""]])
  }

  @Test func runsStandSideBySide() throws {
    let folder = try TemporaryFolder()
    let runs = try ["a/run", "b/run"].map { name in
      try run(folder, Self.record(5, 0.5, "0.1") + Self.record(9, 0.75, "0.1"), name: name)
    }
    let text = page(runs)
    #expect(try cells(text).map { $0[2] } == ["a/run, step 9", "b/run, step 9"])
    #expect(text.contains(#"<span class="key c2 dots">b/run</span>"#))
  }

  @Test(arguments: [
    "{\"step\":1,\"a/b\":1e308,\"a/b_stderr\":1e308,\"task_runtime\":1}\n{\"step\":2,\"a/b\":-1e308,\"task_runtime\":1}\n",
    "{\"step\":1,\"/b\":1,\"a/\":1,\"c/d_stderr\":1,\"x/y\":\"1\",\"task_runtime\":1}\n",
    "{\"step\":1,\"a/b\":0,\"a/b_stderr\":-1,\"task_runtime\":null}\n{\"step\":2,\"a/b\":0,\"task_runtime\":1}\n",
  ])
  func oddScoresMakeAPage(metrics: String) throws {
    let folder = try TemporaryFolder()
    let run = try run(folder, metrics)
    #expect(page([run]).hasSuffix("</html>\n"))
    #expect(page([run, run]).hasSuffix("</html>\n"))
  }
}
