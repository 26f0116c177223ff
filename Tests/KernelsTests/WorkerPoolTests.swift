internal import Foundation
internal import Kernels
internal import Synchronization
internal import Testing

@Suite struct WorkerPoolTests {
  /// One counter an index, touched by any thread.
  private final class Counters: @unchecked Sendable {
    private let counts: UnsafeMutablePointer<Atomic<Int>>
    private let size: Int

    init(_ size: Int) {
      self.size = size
      counts = .allocate(capacity: max(1, size))
      for index in 0..<size { (counts + index).initialize(to: Atomic(0)) }
    }

    deinit {
      counts.deinitialize(count: size)
      counts.deallocate()
    }

    /// The count before.
    func add(_ change: Int, at index: Int) -> Int {
      counts[index].add(change, ordering: .sequentiallyConsistent).oldValue
    }

    func all(are value: Int) -> Bool {
      (0..<size).allSatisfy { counts[$0].load(ordering: .sequentiallyConsistent) == value }
    }
  }

  @Test(arguments: [1, 2, 3, 5])
  func everyIndexRunsOnce(threads: Int) {
    let pool = WorkerPool(threads: threads)
    for (count, jobs) in [(0, 50), (1, 300), (2, 1500), (7, 1000), (64, 200), (20_000, 4)] {
      let runs = Counters(count)
      let busy = Counters(threads)
      let faults = Counters(1)
      for _ in 0..<jobs {
        pool.parallelFor(count) { index, worker in
          if !(0..<threads).contains(worker) || busy.add(1, at: worker) != 0 {
            _ = faults.add(1, at: 0)
          }
          _ = runs.add(1, at: index)
          _ = busy.add(-1, at: worker)
        }
      }
      #expect(runs.all(are: jobs), "\(count) indices, \(jobs) jobs")
      #expect(faults.all(are: 0), "a worker had two bodies at a time or a wrong number")
    }
  }

  // Helpers fall asleep between jobs that come slowly, and must wake.
  @Test func sleepingHelpersWake() {
    let pool = WorkerPool(threads: 3)
    let runs = Counters(3)
    for _ in 0..<20 {
      usleep(2000)
      pool.parallelFor(3) { _ = runs.add(1, at: $0) }
    }
    #expect(runs.all(are: 20))
  }

  @Test func helpersTakePart() {
    let pool = WorkerPool(threads: 2)
    let together = Counters(1)
    // Both bodies wait for each other: one thread alone would never finish.
    pool.parallelFor(2) { _ in
      _ = together.add(1, at: 0)
      while together.add(0, at: 0) < 2 { sched_yield() }
    }
    #expect(together.all(are: 2))
  }

  @Test(arguments: [1, 2, 3, 5])
  func rangesCoverExactly(threads: Int) {
    let pool = WorkerPool(threads: threads)
    for total in [0, 1, 2, 7, 8, 9, 63, 64, 65, 1000] {
      for unit in [1, 8, 16, 1024] {
        let seen = Counters(total)
        let faults = Counters(1)
        pool.parallelRanges(total, unit: unit) { range, _ in
          if range.lowerBound % unit != 0 || range.isEmpty { _ = faults.add(1, at: 0) }
          if range.upperBound % unit != 0 && range.upperBound != total {
            _ = faults.add(1, at: 0)
          }
          for index in range { _ = seen.add(1, at: index) }
        }
        #expect(seen.all(are: 1) && faults.all(are: 0), "\(total) in units of \(unit)")
      }
    }
  }

  // Idle pools end their threads; a pool that leaked them would leave 300 here.
  @Test func poolsEndTheirThreads() {
    for round in 0..<100 {
      let pool = WorkerPool(threads: 4)
      let runs = Counters(9)
      if round % 3 > 0 { pool.parallelFor(9) { _ = runs.add(1, at: $0) } }
      if round % 10 == 0 { usleep(1000) }
      #expect(runs.all(are: round % 3 > 0 ? 1 : 0))
    }
    var left = Self.helperThreads()
    for _ in 0..<6000 where left > 100 {
      usleep(10_000)
      left = Self.helperThreads()
    }
    #expect(left <= 100)
  }

  /// Threads of this process with the name of a helper; other tests run some at the same time.
  private static func helperThreads() -> Int {
    let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
    return tasks.count { task in
      let name = try? String(contentsOfFile: "/proc/self/task/\(task)/comm", encoding: .utf8)
      return name?.hasPrefix("peqa-worker") ?? false
    }
  }

  @Test func helperThreadsAreSeen() {
    let pool = WorkerPool(threads: 4)
    let together = Counters(1)
    pool.parallelFor(4) { _ in
      _ = together.add(1, at: 0)
      while together.add(0, at: 0) < 4 { sched_yield() }
    }
    #expect(Self.helperThreads() >= 3)
    #expect(pool.threads == 4)
  }

  // One thread for many: every part once, by the number of the thread that would be free first, and
  // what the busiest of them needs is what the job takes.
  @Test func oneThreadStandsForMany() {
    var clock: UInt64 = 0
    let times = PartTimes(threads: 3) { clock }
    let pool = WorkerPool(timing: times)
    var workers: [Int] = []
    pool.parallelFor(7) { index, worker in
      clock += index == 0 ? 4_000_000_000 : 1_000_000_000
      workers.append(worker)
    }
    #expect(workers == [0, 1, 2, 1, 2, 1, 2])
    #expect(times.jobs == 1 && times.parts == 7 && times.work == 10 && times.span == 4)
    pool.parallelFor(1) { _ in clock += 1_000_000_000 }
    #expect(times.work == 11 && times.span == 5)
    #expect(times.jobs == 1 && times.parts == 7, "a job of one part is handed to nobody")
    times.reset()
    #expect(times.work == 0 && times.span == 0 && times.jobs == 0)
  }
}
