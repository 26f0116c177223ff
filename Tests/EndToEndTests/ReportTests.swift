import Foundation
import JSONText
import TestSupport
import Testing

/// The page that training leaves, and what it is made of.
@Suite(.serialized) struct ReportTests {
  private let folder: TemporaryFolder
  private let runFile: String

  init() throws {
    folder = try TemporaryFolder()
    runFile = try folder.runFile(
      """
      val_set_size: 0
      max_steps: 4
      learning_rate: 1e-2
      report_to: [jsonl, tensorboard]
      report_prompts: ["abc <b>", second]
      """)
  }

  private func json(_ name: String) throws -> JSONValue {
    try JSONValue(parsing: Array(try Data(contentsOf: folder.file(name))))
  }

  /// Rank 0 asks the models at the end while the others wait; what it finds does not depend on
  /// ranks.
  @Test func trainingLeavesAPage() throws {
    var found: [JSONValue] = []
    for (name, ranks) in [("alone", nil), ("two", 2)] as [(String, Int?)] {
      let output = folder.file(name).path
      let result = try Program.run(
        ["train", runFile, "--model", Program.base, "--output-dir", output], ranks: ranks)
      #expect(result.status == 0, "\(result.standardError)")
      #expect(result.standardOutput.contains("report      \(output)/report.html\n"))
      found.append(try json("\(name)/report.json"))
      let page = try String(contentsOf: folder.file("\(name)/report.html"), encoding: .utf8)
      #expect(page.contains("abc &lt;b&gt;") && page.contains("Where scales moved"))
      let events = try FileManager.default.contentsOfDirectory(atPath: output + "/tensorboard")
      #expect(events.count == 1)
      let end = try json("\(name)/run.json")["ended"]
      #expect(end?["reason"]?.string == "complete" && end?["step"]?.int == 4)
    }
    #expect(found[0] == found[1])
    let samples = try #require(found[0]["samples"]?.array)
    #expect(samples.compactMap { $0["prompt"]?.string } == ["abc <b>", "second"])
    try repeats(samples, adapter: folder.file("alone").path)
  }

  /// A pause, then an error, then the end: the head of the page says each.
  @Test func unfinishedRunsLeaveAPage() throws {
    let output = folder.file("cut").path
    func head(_ settings: [String] = []) throws -> (status: Int32, text: String) {
      let result = try Program.run(
        ["train", runFile, "--model", Program.base, "--output-dir", output] + settings)
      let page = try String(contentsOfFile: output + "/report.html", encoding: .utf8)
      return (result.status, try #require(page.components(separatedBy: "</header>").first))
    }
    let paused = try head(["--stop-at-step", "2"])
    #expect(paused.status == 0)
    #expect(paused.text.contains("stopped at step 2 of 4: stop_at_step was reached"))
    // A folder where the adapter's file should be.
    let obstacle = output + "/adapter_config.json"
    try FileManager.default.createDirectory(
      atPath: obstacle + "/in", withIntermediateDirectories: true)
    let failed = try head()
    #expect(failed.status != 0)
    #expect(failed.text.contains("An error ended it at step 4 of 4: "), "\(failed.text)")
    #expect(failed.text.contains("goes on from the checkpoint of step 4"))
    try FileManager.default.removeItem(atPath: obstacle)
    let done = try head()
    #expect(done.status == 0 && !done.text.contains("not done"))
  }

  /// The oracle: `peqa generate` gives the same texts.
  private func repeats(_ samples: [JSONValue], adapter: String) throws {
    for sample in samples {
      let prompt = try #require(sample["prompt"]?.string)
      for (key, options) in [("before", []), ("after", ["--adapter", adapter])]
        as [(String, [String])]
      {
        let result = try Program.run(
          ["generate", Program.base, "--prompt", prompt, "--max-new-tokens", "96", "--json"]
            + options)
        let text = try JSONValue(parsing: result.standardOutput)["text"]?.string
        #expect(text == sample[key]?.string, "\(prompt), \(key)")
      }
    }
  }
}
