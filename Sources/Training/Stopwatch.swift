internal import Glibc

/// Seconds since it was made, by the monotonic clock.
package struct Stopwatch {
  private let start = Stopwatch.now

  package init() {}

  private static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  package var seconds: Double { Self.now - start }
}
