import Foundation
import JSONText
import Reports
import RunHistory
import TestSupport
import Testing

/// The head of a page says that a run is not done, and why.
@Suite struct UnfinishedRunTests {
  /// The paragraph in the page's head; nil without one.
  private func words(_ record: RunRecord) throws -> String? {
    let page = Report([.init(record)], maker: "test").text
    let head = try #require(page.components(separatedBy: "</header>").first)
    guard let start = head.range(of: "<p class=\"unfinished ") else { return nil }
    return head[start.upperBound...].replacing(/<\/?b>/, with: "")
      .components(separatedBy: "</p>").first
  }

  private func run(
    _ folder: TemporaryFolder, ended: String?, checkpoints: [Int] = [],
    others: [String: String] = [:]
  ) throws -> RunRecord {
    try folder.put("run/metrics.jsonl", "{\"step\":1400,\"loss\":2}\n")
    try folder.put("run/config.resolved.yaml", "max_steps: 60000\n")
    let end = ended.map { ",\"ended\":\($0)" } ?? ""
    try folder.put("run/run.json", "{\"started\":\"2025-01-01T00:00:00Z\"\(end)}")
    for step in checkpoints { try folder.put("run/checkpoint-\(step)/trainer_state.json", "{}") }
    for (name, text) in others { try folder.put("run/\(name)", text) }
    return try RunRecord(folder: folder("run"))
  }

  @Test(arguments: [
    (
      #"{"reason":"stopped","step":1500,"cause":"stop_at_step was reached"}"#, [500, 1500],
      "stopped\">This run is not done. It was stopped at step 1,500 of 60,000: stop_at_step was "
        + "reached. Started again, it goes on from the checkpoint of step 1,500."
    ),
    (
      #"{"reason":"failed","step":7,"cause":"step 8: loss <nan>."}"#, [],
      "failed\">This run is not done. An error ended it at step 7 of 60,000: step 8: loss "
        + "&lt;nan&gt;. Started again, it begins anew."
    ),
    (
      #"{"reason":"failed","step":7}"#, [5],
      "failed\">This run is not done. An error ended it at step 7 of 60,000. Started again, it goes "
        + "on from the checkpoint of step 5."
    ),
    (
      nil, [],
      "unknown\">This run is not done. Nothing has been heard of it after step 1,400 of 60,000. "
        + "Started again, it begins anew."
    ),
  ])
  func theHeadSaysWhy(ended: String?, checkpoints: [Int], words: String) throws {
    let folder = try TemporaryFolder()
    #expect(try self.words(run(folder, ended: ended, checkpoints: checkpoints)) == words)
  }

  /// Its owner is gone: what `failures.log` knows of that attempt is the cause.
  @Test func aKilledRunSaysWhatTheLogKnows() throws {
    let folder = try TemporaryFolder()
    let owner = RunOwner(
      host: ProcessInfo.processInfo.hostName, process: 4_000_000, since: Date(), attempt: "a")
    let record = try run(
      folder, ended: nil,
      others: [
        ".lock": "\(owner)\n", "failures.log": "2025-01-01T01:00:00Z rank 3 is silent\n",
      ])
    #expect(
      try words(record)
        == "failed\">This run is not done. It ended at step 1,400 of 60,000: rank 3 is silent. "
        + "Started again, it begins anew.")
  }

  /// A run that paused goes on past that step, wherever the step stood.
  @Test(arguments: [
    (["peqa", "train", "run.yaml", "--stop-at-step", "20", "-q"], "peqa train run.yaml -q"),
    (["peqa", "train", "run.yaml", "--stop-at-step=20"], "peqa train run.yaml"),
    (["peqa", "train", "run.yaml"], "peqa train run.yaml --stop-at-step 0"),
  ])
  func thePauseIsLeftOut(words: [String], command: String) throws {
    let folder = try TemporaryFolder()
    for (step, expected) in [(20, command), (10, words.joined(separator: " "))] {
      let argv = words.map { "\"\($0)\"" }.joined(separator: ",")
      try folder.put("\(step)/metrics.jsonl", "{\"step\":\(step),\"loss\":2}\n")
      try folder.put("\(step)/config.resolved.yaml", "max_steps: 100\nstop_at_step: 20\n")
      try folder.put(
        "\(step)/run.json",
        "{\"started\":\"2025-01-01T00:00:00Z\",\"argv\":[\(argv)],\"ranks\":1,"
          + "\"ended\":{\"reason\":\"stopped\",\"step\":\(step)}}")
      try folder.put("\(step)/checkpoint-\(step)/trainer_state.json", "{}")
      let page = Report([.init(try RunRecord(folder: folder("\(step)")))], maker: "test").text
      let use = try #require(page.components(separatedBy: "<h2>Use it</h2>").dropFirst().first)
      let code = try #require(use.firstMatch(of: /<code>([^<]*)<\/code>/)?.1)
      #expect(code.trimmingCharacters(in: .whitespacesAndNewlines) == expected)
    }
  }

  @Test(arguments: [
    #"{"reason":"complete","step":60000}"#, #"{"reason":"early_stopping","step":900}"#,
  ])
  func whatIsDoneSaysNothing(ended: String) throws {
    let folder = try TemporaryFolder()
    #expect(try words(run(folder, ended: ended)) == nil)
  }
}
