import Foundation
import JSONText
import Reports
import RunHistory
import TestSupport
import Testing

@Suite struct ReportTests {
  private static let hostile = "</title><script>alert(1)</script>\"' onload=x & \u{1b}[31m\u{202E}"

  /// A folder with a run that says hostile things wherever a file can say something.
  private func run(
    _ folder: TemporaryFolder, _ name: String = "run", metrics: String, rate: String = "0.1"
  ) throws -> Report.Run {
    let text = JSONValue.string(Self.hostile).text()
    try folder.put("\(name)/metrics.jsonl", metrics)
    try folder.put(
      "\(name)/config.resolved.yaml",
      "# Resolved\nmodel: \(text)\nlearning_rate: \(rate)\nreport_prompts: [\(text)]\n\(Self.hostile): 1\n"
    )
    try folder.put(
      "\(name)/run.json",
      """
      {"peqa":\(text),"argv":[\(text)],"hosts":[\(text)],"rank_hosts":[\(text)],"cpu":\(text),
      "kernels":\(text),"precision":\(text),"mpi":\(text),"blas":\(text),"model":\(text),"ranks":2,
      "data":{"paths":[\(text)],"sources":[{"type":\(text)}],"train":{"samples":3,"sequences":2,
      "tokens":100,"length_histogram":[[11,20,1],[0,10,2],[9,9007199254740992,1]]},
      "lengths":{"p50":5,"max":20}},
      "base_sha256":\(text),"data_digest":\(text),"started":"2025-01-01T00:00:00Z","first_step":2,
      "previous":[{"hosts":[\(text)],"ended":{"reason":"failed","step":2,"cause":\(text)}}]}
      """)
    let findings = RunFindings(
      try JSONValue(
        parsing: """
          {"samples":[{"prompt":\(text),"before":\(text),"after":\(text)}],
          "movement":{"form":\(text),"numbers":10,"changed":5,"rms":0.1,"largest":0.2,
          "tensors":[{"layer":0,"kind":\(text),"rms":0.1,"largest":0.2}],
          "rows":[{"layer":0,"kind":\(text),"row":3,"rms":0.1,"largest":0.2}]}}
          """))
    var complete = findings
    let tasks = try JSONValue(
      parsing: "{\"adapter\":\(text),\"tasks\":{\(text):{\"acc\":0.5,\"acc_stderr\":0.1,\"n\":9}}}")
    complete.tasks = [try #require(TaskResults(tasks))]
    return Report.Run(try RunRecord(folder: folder(name)), complete)
  }

  private func page(_ runs: [Report.Run]) -> String { Report(runs, maker: Self.hostile).text }

  private static let lines =
    (1...30).map {
      "{\"step\":\($0),\"loss\":\(3.0 / Double($0)),\"step_time\":2,\"comm_time\":1}\n"
    }.joined() + "{\"step\":30,\"eval_loss\":1.5,\"perplexity\":4.5}\n"

  @Test func nothingFromFilesBecomesMarkup() throws {
    let folder = try TemporaryFolder()
    let one = try run(folder, metrics: Self.lines)
    let other = try run(folder, "other", metrics: Self.lines, rate: "0.2")
    for text in [page([one]), page([one, other])] {
      #expect(!text.contains("<script") && !text.contains("\u{1b}"))
      #expect(text.contains("&lt;script&gt;"))
      try Self.checkTags(text)
    }
  }

  /// Nothing is loaded from anywhere.
  @Test func pagesStandAlone() throws {
    let folder = try TemporaryFolder()
    let text = page([try run(folder, metrics: Self.lines)])
    for word in ["http:", "https:", " src=", "<link", "@import", "url("] {
      #expect(!text.contains(word), "\(word)")
    }
  }

  @Test(arguments: [
    "", "nonsense\n", "{\"step\":0}\n", "{\"step\":1,\"loss\":1e308}\n",
    "{\"step\":1,\"loss\":-1e308,\"grad_norm\":1e300}\n{\"step\":9007199254740992,\"loss\":1e308}\n",
    "{\"step\":3,\"loss\":2,\"num_input_tokens_seen\":1e300,\"train_runtime\":1e300,\"epoch\":1e300}\n",
    "{\"step\":3,\"loss\":0,\"perplexity\":-5,\"step_time\":-1,\"comm_time\":1e-300}\n",
    "{\"step\":3,\"tokens_per_second\":1e300,\"num_input_tokens_seen\":-1e300,\"epoch\":1,"
      + "\"supervised_tokens_seen\":1e300}\n",
    "{\"step\":1,\"supervised_tokens_seen\":-7e18,\"epoch\":5e-324}\n",
  ])
  func oddMetricsMakeAPage(metrics: String) throws {
    let folder = try TemporaryFolder()
    try Self.checkTags(page([try run(folder, metrics: metrics)]))
    let runs = [try run(folder, metrics: metrics), try run(folder, "b", metrics: Self.lines)]
    try Self.checkTags(page(runs))
  }

  @Test func aHundredThousandStepsWeighLessThanAMegabyte() throws {
    let folder = try TemporaryFolder()
    var run = try run(folder, metrics: "")
    for step in 1...100_000 {
      let value = JSONValue.real(Double(step * 7919 % 10_007) / 1000)
      let isEvaluation = step % 100 == 0
      let keys = MetricKey.allCases.filter {
        isEvaluation || ![.evalLoss, .perplexity, .evalRuntime].contains($0)
      }
      let members =
        [JSONValue.Member(key: MetricKey.step, value: .integer(step))]
        + keys.map { .init(key: $0.rawValue, value: value) }
      _ = run.record.metrics.add(.object(members))
    }
    let text = page([run])
    #expect(text.utf8.count < 1_000_000)
  }

  @Test func severalRunsSayWhatDiffers() throws {
    let folder = try TemporaryFolder()
    let runs = [
      try run(folder, "a", metrics: Self.lines), try run(folder, "b", metrics: "", rate: "0.2"),
    ]
    let text = page(runs)
    let table = try #require(text.components(separatedBy: "Settings that differ").dropFirst().first)
    let own = table.prefix(while: { $0 != "\u{0}" }).components(separatedBy: "</table>")[0]
    #expect(own.contains("learning_rate") && own.contains("0.2"))
    #expect(!own.contains("report_prompts"))
  }

  /// Every tag that is opened is closed, in order; what a parser of XML would ask for, but for
  /// HTML's own empty tags.
  private static func checkTags(_ page: String) throws {
    var open: [String] = []
    let empty: Set = ["meta", "br"]
    let body = page.dropFirst("<!DOCTYPE html>".count)
    for match in body.matches(of: /<(\/?)([a-zA-Z0-9]+)((?:[^<>"]|"[^"<>]*")*?)(\/?)>/) {
      let name = String(match.2)
      if !match.1.isEmpty {
        #expect(open.popLast() == name)
      } else if match.4.isEmpty, !empty.contains(name) {
        open.append(name)
      }
    }
    #expect(open.isEmpty)
    let text = body.replacing(/<style>[^<]*<\/style>/, with: "")
    let tags = text.matches(of: /<\/?[a-zA-Z0-9]+(?:[^<>"]|"[^"<>]*")*>/).count
    #expect(text.count { $0 == "<" } == tags)
  }
}
