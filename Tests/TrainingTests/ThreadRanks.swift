import Foundation
import Synchronization
import Training

/// Ranks as threads of one process, with an all-reduce that adds in the order of arrival.
final class ThreadRank: RankGroup {
  let rank: Int
  let size: Int
  private let meeting: Meeting

  fileprivate init(rank: Int, size: Int, meeting: Meeting) {
    self.rank = rank
    self.size = size
    self.meeting = meeting
  }

  func allReduceSum(_ values: UnsafeMutableBufferPointer<Int64>) throws {
    let sum = try meeting.exchange(Array(values)) { zip($0, $1).map { $0 + $1 } }
    _ = values.update(fromContentsOf: sum)
  }

  func allReduceSum(_ values: UnsafeMutableBufferPointer<Int32>) throws {
    let wide = values.map { Int64($0) }
    // A sum that needs more than 32 bits traps here: it must never happen.
    let sum = try meeting.exchange(wide) { zip($0, $1).map { Int64(Int32($0) + Int32($1)) } }
    for (index, value) in sum.enumerated() { values[index] = Int32(value) }
  }

  func claimNext(inRound round: Int) throws -> Int { meeting.claimNext(inRound: round) }

  func broadcast(_ bytes: [UInt8]) throws -> [UInt8] {
    let words = rank == 0 ? bytes.map { Int64($0) } : []
    return try meeting.exchange(words) { $0.isEmpty ? $1 : $0 }.map { UInt8($0) }
  }
}

/// Where all ranks bring a value and leave with the combined one.
private final class Meeting: @unchecked Sendable {
  struct Abandoned: Error {}

  private let size: Int
  private let condition = NSCondition()
  private var arrived = 0
  private var round = 0
  private var combined: [Int64]?
  private var result: [Int64] = []
  private var abandoned = false
  private var claims: [Int: Int] = [:]

  init(size: Int) { self.size = size }

  func exchange(
    _ value: [Int64], _ combine: ([Int64], [Int64]) -> [Int64]
  ) throws -> [Int64] {
    condition.lock()
    defer { condition.unlock() }
    combined = combined.map { combine($0, value) } ?? value
    arrived += 1
    let mine = round
    if arrived == size {
      result = combined ?? []
      (combined, arrived) = (nil, 0)
      round += 1
      condition.broadcast()
    }
    while round == mine, !abandoned { condition.wait() }
    if round == mine { throw Abandoned() }
    return result
  }

  func claimNext(inRound round: Int) -> Int {
    condition.lock()
    defer { condition.unlock() }
    defer { claims[round, default: 0] += 1 }
    return claims[round, default: 0]
  }

  /// A rank has failed: the others must not wait for it.
  func abandon() {
    condition.lock()
    abandoned = true
    condition.broadcast()
    condition.unlock()
  }
}

/// Runs `body` on `size` ranks; gives the results in rank order, or throws the error of the lowest
/// rank that failed by itself.
func onRanks<Result: Sendable>(
  _ size: Int, _ body: @escaping (any RankGroup) throws -> Result
) throws -> [Result] {
  let meeting = Meeting(size: size)
  let results = Mutex([Swift.Result<Result, any Error>?](repeating: nil, count: size))
  let threads = DispatchGroup()
  nonisolated(unsafe) let body = body
  for rank in 0..<size {
    threads.enter()
    Thread {
      let result = Swift.Result {
        try body(ThreadRank(rank: rank, size: size, meeting: meeting))
      }
      if case .failure = result { meeting.abandon() }
      results.withLock { $0[rank] = result }
      threads.leave()
    }.start()
  }
  threads.wait()
  return try results.withLock { $0 }.compactMap { try $0?.get() }
}
