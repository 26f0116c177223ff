import Foundation
import Reporting
import Testing
import peqa

@Suite struct FrameTests {
  @Test(arguments: [
    RankExit(code: 0), RankExit(code: 143, prefix: "[rank 3 node7] ", text: "ünïcode: \0 \n x"),
    RankExit(code: -2, text: "y"), RankExit(code: .max, prefix: "z"),
  ])
  func exitsSurviveTheWire(exit: RankExit) {
    #expect(RankExit(bytes: exit.bytes) == exit)
  }

  @Test(arguments: [[], [1], [1, 0, 0, 0], [255, 255, 255, 255, 0xff]] as [[UInt8]])
  func brokenExitsDoNoHarm(bytes: [UInt8]) {
    #expect(RankExit(bytes: bytes).text.isEmpty)
  }

  @Test func everyReasonIsGivenOnce() {
    func exit(_ rank: Int, _ text: String) -> RankExit {
      RankExit(code: text.isEmpty ? 0 : 65, prefix: "[rank \(rank)] ", text: text)
    }
    #expect(RankExit.summary([exit(0, ""), exit(1, "")]).isEmpty)
    let one = RankExit.summary([exit(0, ""), exit(1, "a"), exit(2, "a"), exit(3, "b")])
    #expect(one == [exit(1, "a"), exit(3, "b")])
    let all = RankExit.summary([exit(0, "a"), exit(1, "a")])
    #expect(all == [RankExit(code: 65, text: "a")], "what all say needs no name")
  }

  @Test(arguments: [
    ("a\u{1b}]0;owned\u{7}b", "a\\u{1b}]0;owned\\u{7}b"), ("\u{9b}2J\r", "\\u{9b}2J\\u{d}"),
    ("\u{7f}\0", "\\u{7f}\\u{0}"), ("line\n\tünïcode 漢字 🙂", "line\n\tünïcode 漢字 🙂"),
  ])
  func controlsBecomeVisible(text: String, shown: String) {
    #expect(text.withVisibleControls == shown)
  }

  @Test(
    arguments: [
      (0, "0s"), (59.4, "59s"), (59.6, "1m00s"), (125, "2m05s"), (11_220, "3h07m"), (-1, "0s"),
      (.infinity, "?"), (.nan, "?"),
    ] as [(Double, String)])
  func durations(seconds: Double, text: String) {
    #expect(durationText(seconds) == text)
  }

  /// 100 steps of 10 s, and an hour in which the process was stopped after 50 of them: the hour
  /// counts for 30 steps at most, and nothing of it after that.
  @Test func timeLeftForgetsAPause() throws {
    var pace = RecentPace(first: 0)
    for step in 1..<100 {
      let seconds = Double(10 * step + (step > 50 ? 3600 : 0))
      pace.note(step, at: seconds)
      let left = try #require(pace.left(of: 100, done: step, at: seconds))
      let plain = Double(10 * (100 - step))
      #expect((51...79).contains(step) ? left > 2 * plain : left == plain, "step \(step)")
    }
  }

  /// Units of a millisecond are judged by half a minute, not by the last 30 of them.
  @Test func timeLeftOfShortUnits() throws {
    var pace = RecentPace(first: 0)
    for unit in 1...60_000 { pace.note(unit, at: Double(unit) / 1000) }
    // Then a thousand take 10 ms each: looking back 29 s there are 20 s, of 20000 units, too.
    for unit in 1...1000 { pace.note(60_000 + unit, at: 60 + Double(unit) / 100) }
    let left = try #require(pace.left(of: 100_000, done: 61_000, at: 70))
    #expect(abs(left - 39_000 * 29 / 20_000) < 0.1)
  }

  @Test func progressEstimatesFromThisRunOnly() {
    let console = Console(verbosity: .quiet)
    let progress = ProgressLine(console, "step", total: 100, first: 40)
    // 20 steps in 50 s leave 40 steps: 100 s.
    #expect(
      progress.line(60, "loss 2.5", elapsed: 50) == "step 60/100 (60%)  loss 2.5  50s  left 1m40s")
    #expect(progress.line(40, "", elapsed: 1) == "step 40/100 (40%)  1s")
    #expect(progress.line(100, "", elapsed: 9) == "step 100/100 (100%)  9s")
    #expect(ProgressLine(console, "rows", total: 0).line(7, "", elapsed: 1) == "rows 7  1s")
  }
}
