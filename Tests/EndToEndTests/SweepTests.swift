import Foundation
import JSONText
import TestSupport
import Testing

/// Sweeps of real runs, which are killed and started again.
@Suite(.serialized) struct SweepTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Two rates and two seeds, of which one setting goes beyond step 6.
  private func write(_ name: String, ranks: Int? = nil) throws -> String {
    _ = try folder.runFile("num_epochs: 0.2\nval_set_size: 0.1\noutput_dir: none\n")
    try folder.write(
      """
      output_dir: \(name)
      sweep:
        run: run.yaml
        parameters: {learning_rate: [1e-3, 2e-2], seed: [1, 2]}
        rungs: [6]
        eta: 2
      \(ranks.map { "  ranks: \($0)\n" } ?? "")
      """, to: "\(name).yaml")
    return folder.file("\(name).yaml").path
  }

  /// The steps in a run's metrics, losses and evaluations apart, as they stand there.
  private func steps(_ run: String, of key: String) throws -> [Int] {
    let text = try String(contentsOf: folder.file("\(run)/metrics.jsonl"), encoding: .utf8)
    return try text.split(separator: "\n").compactMap { line in
      let record = try JSONValue(parsing: String(line))
      return record[key] == nil ? nil : record["step"]?.int
    }
  }

  /// Steps that attempts at a run have taken, over all of them.
  private func attempts(_ run: String) throws -> Int {
    let json = try JSONValue(
      parsing: String(contentsOf: folder.file("\(run)/run.json"), encoding: .utf8))
    return 1 + (json["previous"]?.array?.count ?? 0)
  }

  /// kill -9 of the sweep alone, whose trainer lives on. The next start waits for that one, and
  /// what comes out is what an undisturbed sweep on one rank gives, bit for bit.
  @Test func killedSweepDoesNoRunTwice() async throws {
    let whole = try await Program.run(["sweep", try write("whole")])
    #expect(whole.status == 0, "\(whole.standardError)")
    try await checkHalving("whole")
    let file = try write("cut", ranks: 2)
    for kills in 1...2 {
      let sweep = try Program.start(["sweep", file])
      let begun = folder.file("cut/run-000\(kills)/metrics.jsonl")
      let deadline = Date().addingTimeInterval(60)
      while !FileManager.default.fileExists(atPath: begun.path), Date() < deadline {
        try await Task.sleep(for: .milliseconds(5))
      }
      kill(sweep.processIdentifier, SIGKILL)
      sweep.waitUntilExit()
    }
    let rest = try await Program.run(["sweep", file])
    #expect(rest.status == 0, "\(rest.standardError)")
    #expect(rest.standardOutput.replacing("/cut/", with: "/whole/") == whole.standardOutput)
    for (number, starts) in [(1, 1), (2, 1), (3, 2), (4, 2)] {
      #expect(try attempts("cut/run-000\(number)") == starts, "run \(number)")
      let steps = try steps("cut/run-000\(number)", of: "loss")
      #expect(steps == Array(1...steps.count))
    }
    for name in ["run-0003/adapter_model.safetensors", "run-0004/adapter_model.safetensors"] {
      #expect(
        try Data(contentsOf: folder.file("cut/\(name)"))
          == Data(contentsOf: folder.file("whole/\(name)")))
    }
  }

  /// All four runs to step 6, two to the end.
  private func checkHalving(_ name: String) async throws {
    let steps = try (1...4).map { try self.steps("\(name)/run-000\($0)", of: "loss") }
    let end = try #require(steps[3].last)
    #expect(end > 6)
    #expect(steps == [Array(1...6), Array(1...6), Array(1...end), Array(1...end)])
    #expect(try self.steps("\(name)/run-0004", of: "eval_loss") == [6, end])
    let result = try JSONValue(
      parsing: String(contentsOf: folder.file("\(name)/sweep.json"), encoding: .utf8))
    #expect(result["best"]?["values"]?["learning_rate"]?.string == "0.02")
    let best = try await Program.run(["config", folder.file("\(name)/best.yaml").path])
    #expect(best.status == 0, "\(best.standardError)")
    // The table of runs knows all of them.
    let table = try await Program.run(["runs", folder.file(name).path, "--json"])
    let states = try JSONValue(parsing: table.standardOutput).array?.compactMap {
      $0["state"]?.string
    }
    #expect(states == ["stopped", "stopped", "finished", "finished"])
  }

  @Test func aDryRunSaysStepsAndWritesNothing() async throws {
    let ran = try await Program.run(["sweep", try write("dry"), "--dry-run", "--json"])
    #expect(ran.status == 0, "\(ran.standardError)")
    let json = try JSONValue(parsing: ran.standardOutput)
    let steps = try #require(json["runs"]?[0]?["steps"]?.int)
    #expect(json["runs"]?.array?.count == 4 && steps > 6)
    #expect(json["rungs"]?[0]?["steps"]?.int == 24)
    #expect(json["rungs"]?[1]?["steps"]?.int == 2 * (steps - 6))
    #expect(!FileManager.default.fileExists(atPath: folder.file("dry").path))
  }

  @Test func rankedStartsAreRefused() async throws {
    let ran = try await Program.run(["sweep", try write("many")], ranks: 2)
    #expect(ran.status == 69)
  }
}
