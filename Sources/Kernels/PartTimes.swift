internal import Foundation

/// How long jobs take when one thread does the parts of many threads, one after the other: what the
/// cut of the work is worth on CPUs with more cores than there are here.
///
/// Each part goes to the thread that would be free first, as in `WorkerPool`. What threads cost
/// each other is not in it: caches and memory that they share, and handing the work over.
package final class PartTimes {
  package let threads: Int
  /// Jobs of more than one part, which other threads are called for.
  package private(set) var jobs = 0
  package private(set) var parts = 0
  /// Seconds of all parts, also of jobs that are one part.
  package private(set) var work = 0.0
  /// Seconds until the last thread has done its parts, added up over all jobs.
  package private(set) var span = 0.0
  private var busy: [Double]
  private let now: () -> UInt64

  /// - Parameter now: nanoseconds of a clock that only goes forward.
  package init(
    threads: Int, now: @escaping () -> UInt64 = { DispatchTime.now().uptimeNanoseconds }
  ) {
    precondition(threads >= 1, "a pool has at least one thread")
    (self.threads, self.now) = (threads, now)
    busy = Array(repeating: 0, count: threads)
  }

  /// Forgets what was measured.
  package func reset() { (jobs, parts, work, span) = (0, 0, 0, 0) }

  func run(_ count: Int, _ body: (_ index: Int, _ worker: Int) -> Void) {
    let used = min(threads, count)
    for worker in 0..<used { busy[worker] = 0 }
    var last = now()
    for index in 0..<count {
      let worker = (0..<used).min { busy[$0] < busy[$1] } ?? 0
      body(index, worker)
      let end = now()
      let seconds = Double(end - last) / 1e9
      last = end
      busy[worker] += seconds
      work += seconds
    }
    span += busy[..<used].max() ?? 0
    if count > 1 { (jobs, parts) = (jobs + 1, parts + count) }
  }
}
