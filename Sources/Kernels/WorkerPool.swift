internal import CKernels
internal import Foundation
internal import Synchronization

/// The threads of one rank: one caller and `threads - 1` helpers that live as long as the pool.
///
/// Work is handed over by a counter: a helper spins for some microseconds after each job, because
/// in a training step the next one comes at once, and sleeps after that. Which thread does which
/// index is not determined; results must not depend on it. One caller at a time; bodies must not
/// nest.
package final class WorkerPool: @unchecked Sendable {
  /// Threads that work on a job, the caller included.
  package let threads: Int
  /// Where all work is done by the caller and timed.
  private let times: PartTimes?
  private let shared = SharedState()

  package init(threads: Int) {
    precondition(threads >= 1, "a worker pool has at least one thread")
    self.threads = threads
    times = nil
    for worker in 1..<threads {
      let shared = shared
      let thread = Thread { shared.help(worker: worker) }
      thread.stackSize = 8 << 20
      thread.start()
      // A thread takes its name only once it runs.
      thread.name = "peqa-worker-\(worker)"
    }
  }

  /// A pool that cuts work as one of `times.threads` threads does; the caller does all of it.
  package init(timing times: PartTimes) {
    threads = times.threads
    self.times = times
  }

  deinit { shared.stop() }

  /// Runs `body(index)` once for every index in `0..<count` on all threads; returns when all are
  /// done.
  package func parallelFor(_ count: Int, _ body: (Int) -> Void) {
    parallelFor(count) { index, _ in body(index) }
  }

  /// As above; `worker` in `0..<threads` names the thread, for workspace that each thread owns.
  package func parallelFor(_ count: Int, _ body: (_ index: Int, _ worker: Int) -> Void) {
    guard count > 0 else { return }
    if let times { return times.run(count, body) }
    guard threads > 1, count > 1 else {
      for index in 0..<count { body(index, 0) }
      return
    }
    withoutActuallyEscaping(body) { body in
      shared.run(count: count, helpers: threads - 1, body: body)
    }
  }

  /// Cuts `0..<total` into one range a thread, at multiples of `unit`, and runs them at the same
  /// time.
  package func parallelRanges(
    _ total: Int, unit: Int = 1, _ body: (_ range: Range<Int>, _ worker: Int) -> Void
  ) {
    let units = (total + unit - 1) / unit
    let parts = min(threads, units)
    parallelFor(parts) { part, worker in
      let start = part * units / parts * unit
      let end = min(total, (part + 1) * units / parts * unit)
      if start < end { body(start..<end, worker) }
    }
  }
}

/// What caller and helpers share; helpers keep it alive, so a pool can go while they wind up.
private final class SharedState: @unchecked Sendable {
  private let generation = Atomic<Int>(0)
  private let nextIndex = Atomic<Int>(0)
  private let busyHelpers = Atomic<Int>(0)
  private let stopping = Atomic<Bool>(false)
  private let sleepers = Atomic<Int>(0)
  private let wake = NSCondition()
  /// Written by the caller before `generation` moves, read by helpers after: ordered by that
  /// atomic.
  private var count = 0
  private var body: ((Int, Int) -> Void)?

  /// With the pause some 50 microseconds: longer than what stands between two jobs of a step or of
  /// a token. To sleep and be woken costs as much again.
  private static let spins = 4000

  func run(count: Int, helpers: Int, body: @escaping (Int, Int) -> Void) {
    self.count = count
    self.body = body
    nextIndex.store(0, ordering: .relaxed)
    busyHelpers.store(helpers, ordering: .relaxed)
    generation.add(1, ordering: .sequentiallyConsistent)
    if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
      wake.lock()
      wake.broadcast()
      wake.unlock()
    }
    work(worker: 0, count: count, body: body)
    var spin = 0
    while busyHelpers.load(ordering: .acquiring) > 0 {
      spin += 1
      if spin > Self.spins { sched_yield() } else { peqa_pause() }
    }
    self.body = nil
  }

  private func work(worker: Int, count: Int, body: (Int, Int) -> Void) {
    while true {
      let index = nextIndex.add(1, ordering: .relaxed).oldValue
      if index >= count { return }
      body(index, worker)
    }
  }

  func help(worker: Int) {
    var seen = 0
    while true {
      seen = waitForJob(after: seen)
      if stopping.load(ordering: .acquiring) { return }
      if let body { work(worker: worker, count: count, body: body) }
      busyHelpers.subtract(1, ordering: .releasing)
    }
  }

  private func waitForJob(after seen: Int) -> Int {
    for _ in 0..<Self.spins {
      let now = generation.load(ordering: .sequentiallyConsistent)
      if now != seen { return now }
      peqa_pause()
    }
    wake.lock()
    defer { wake.unlock() }
    sleepers.add(1, ordering: .sequentiallyConsistent)
    defer { sleepers.subtract(1, ordering: .sequentiallyConsistent) }
    while true {
      let now = generation.load(ordering: .sequentiallyConsistent)
      if now != seen { return now }
      wake.wait()
    }
  }

  func stop() {
    stopping.store(true, ordering: .releasing)
    generation.add(1, ordering: .sequentiallyConsistent)
    wake.lock()
    wake.broadcast()
    wake.unlock()
  }
}
