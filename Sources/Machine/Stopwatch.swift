package import Glibc

/// Seconds since it was made, by a clock that is never set.
package struct Stopwatch {
  private let start = Stopwatch.now()

  package init() {}

  /// What a clock of the system shows, in seconds.
  package static func now(_ clock: clockid_t = CLOCK_MONOTONIC) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  package var seconds: Double { Self.now() - start }
}
