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
