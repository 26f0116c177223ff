internal import Foundation

/// How long the cores of this machine have worked, for this process and for others.
package struct CPUUsage: Sendable, Equatable {
  /// Seconds of a clock that never goes back.
  package var clock: Double
  /// Seconds of all cores together since the machine started, a hypervisor's theft included.
  package var busy: Double
  /// Seconds of all threads of this process.
  package var own: Double

  package init(clock: Double, busy: Double, own: Double) {
    (self.clock, self.busy, self.own) = (clock, busy, own)
  }

  /// Cores that other programs held since `start`, on average.
  package func foreignCores(since start: CPUUsage) -> Double {
    let seconds = clock - start.clock
    guard seconds > 0 else { return 0 }
    return max(0, ((busy - start.busy) - (own - start.own)) / seconds)
  }

  /// Nil where the kernel does not count.
  package static func now() -> CPUUsage? {
    guard let text = try? String(contentsOfFile: "/proc/stat", encoding: .utf8),
      let busy = busySeconds(statistics: text)
    else { return nil }
    return CPUUsage(
      clock: Stopwatch.now(), busy: busy, own: Stopwatch.now(CLOCK_PROCESS_CPUTIME_ID))
  }

  /// The first line of `/proc/stat` (proc(5)): `cpu`, then ticks of user, nice, system, idle,
  /// waiting for disks, interrupts, soft interrupts, stolen; time of guests is in the first two.
  package static func busySeconds(statistics: String) -> Double? {
    let words = statistics.prefix { $0 != "\n" }.split(separator: " ")
    guard words.first == "cpu", words.count >= 9 else { return nil }
    let ticks = words[1...8].compactMap { Double($0) }
    let perSecond = Double(sysconf(Int32(_SC_CLK_TCK)))
    guard ticks.count == 8, perSecond > 0 else { return nil }
    return (ticks.reduce(0, +) - ticks[3] - ticks[4]) / perSecond
  }
}
