import Foundation
import Machine
import Testing

@Suite struct CPUUsageTests {
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
