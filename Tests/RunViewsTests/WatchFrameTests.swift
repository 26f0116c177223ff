import Foundation
import RunHistory
import RunViews
import TestSupport
import Testing

@Suite struct WatchFrameTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func record(_ name: String = "run") throws -> RunRecord {
    try RunRecord(folder: folder(name))
  }

  /// On any terminal, whatever the run: no line is too long, and there are not too many.
  @Test(arguments: [(40, 12), (50, 16), (80, 24), (200, 60)], [1, 2, 57, 100])
  func fitsTheTerminal(size: (Int, Int), steps: Int) throws {
    try folder.run("run", steps: steps, more: #","ended":{"reason":"failed","cause":"x"}"#)
    let lines = WatchFrame(try record(), columns: size.0, rows: size.1).lines
    #expect(lines.allSatisfy { $0.count <= size.0 })
    #expect(lines.count <= max(size.1, 18))
  }

  @Test func saysWhereTheRunIs() throws {
    try folder.run("run", steps: 57)
    let text = WatchFrame(try record()).lines.joined(separator: "\n")
    #expect(text.contains("stopped on node1, 2 ranks"))
    #expect(text.contains("step 57/100 57 %"))
    #expect(text.contains("loss 0.0702   eval 1.0800 at 50 (best)   lr 0.001   norm 0.500"))
    #expect(text.contains("slowest rank") && text.contains("1.90 s  95 % of a step"))
    #expect(text.contains("communication") && text.contains("0.50 s  25 % of a step"))
    #expect(text.contains("●") && text.contains("; ● eval_loss"))
    let plain = WatchFrame(try record(), isUnicode: false).lines
    #expect(plain.allSatisfy { $0.utf8.count == $0.count && $0.allSatisfy(\.isASCII) })
  }

  @Test func warnings() throws {
    try folder.run("run", steps: 60, loss: { $0 < 20 ? 1 : Double($0) })
    try folder.put("run/failures.log", "2026-01-01T00:00:00Z rank 1 was silent for 120 s\n")
    let lines = WatchFrame(try record()).lines
    #expect(lines.contains("! 5 evaluations in a row without improvement"))
    #expect(lines.contains { $0.hasPrefix("! ") && $0.contains("rank 1 was silent") })
  }

  @Test func beforeTheFirstStep() throws {
    try folder.put("run/run.json", "{}")
    try folder.put("run/metrics.jsonl", "")
    let lines = WatchFrame(try record()).lines
    #expect(lines.contains { $0.contains("no curve yet") })
  }

  /// At first the newest step, then each new one once, also after going back to a checkpoint.
  @Test func linesOfNewSteps() throws {
    var news = WatchLines()
    try folder.run("run", steps: 7)
    #expect(news.new(in: try record()).map { $0.prefix(10) } == ["step 7/100"])
    #expect(news.new(in: try record()).isEmpty)
    try folder.run("run", steps: 10)
    let next = news.new(in: try record())
    #expect(next.count == 4 && next[3].contains("eval_loss 1.4000"))
    try folder.run("run", steps: 8)
    #expect(news.new(in: try record()).map { $0.prefix(10) } == ["step 8/100"])
    try folder.run("run", steps: 9)
    #expect(news.new(in: try record()).map { $0.prefix(10) } == ["step 9/100"])
  }
}
