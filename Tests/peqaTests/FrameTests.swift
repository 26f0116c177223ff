import Foundation
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

  @Test func tableAligns() {
    var table = TextTable(("task", .left), ("loss", .right))
    table.add("a", "1.25")
    table.add("longer", "10.5")
    table.add("b")
    #expect(table.lines == ["task    loss", "a       1.25", "longer  10.5", "b"])
  }

  @Test(
    arguments: [
      (0, "0s"), (59.4, "59s"), (59.6, "1m00s"), (125, "2m05s"), (11_220, "3h07m"), (-1, "0s"),
      (.infinity, "?"), (.nan, "?"),
    ] as [(Double, String)])
  func durations(seconds: Double, text: String) {
    #expect(ProgressLine.duration(seconds) == text)
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

  @Test func coresOfOthersAreCounted() throws {
    // Ticks of 10 ms: user 100, nice 20, system 30, idle 4000, waiting 500, 6 + 7 in interrupts, 8
    // stolen; guests are in the first two.
    let text = "cpu  100 20 30 4000 500 6 7 8 90 10\ncpu0 1 2 3 4 5 6 7 8 9 10\n"
    let perSecond = Double(sysconf(Int32(_SC_CLK_TCK)))
    #expect(CPUUsage.busySeconds(statistics: text) == 171 / perSecond)
    for broken in ["", "cpu 1 2 3", "cpu  1 2 3 4 x 6 7 8 9 10", "intr 1 2 3 4 5 6 7 8 9"] {
      #expect(CPUUsage.busySeconds(statistics: broken) == nil)
    }
    let start = CPUUsage(clock: 10, busy: 100, own: 7)
    #expect(CPUUsage(clock: 14, busy: 107, own: 10).foreignCores(since: start) == 1)
    // The kernel rounds ticks: never less than none.
    #expect(CPUUsage(clock: 14, busy: 102.9, own: 10).foreignCores(since: start) == 0)
    let now = try #require(CPUUsage.now())
    #expect(now.busy > 0 && now.own > 0)
  }
}
