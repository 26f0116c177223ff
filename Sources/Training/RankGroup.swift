package import Collectives
internal import ExitCodes
internal import Kernels

/// The processes that train together, as far as training sees them.
///
/// `Communicator` is the real one; tests run ranks as threads.
package protocol RankGroup: AnyObject {
  var rank: Int { get }
  var size: Int { get }
  /// Replaces `values` by their sums over all ranks.
  func allReduceSum(_ values: UnsafeMutableBufferPointer<Int64>) throws
  func allReduceSum(_ values: UnsafeMutableBufferPointer<Int32>) throws
  /// The bytes that rank 0 gives, on every rank.
  func broadcast(_ bytes: [UInt8]) throws -> [UInt8]
  /// Slots 0, 1, 2, ... of a round, each to one rank only; rounds rise, with a collective between
  /// two, and every rank claims in each.
  func claimNext(inRound round: Int) throws -> Int
  /// Says what this rank is at, for the messages of ranks that wait for it.
  func beginPhase(_ phase: String)
  /// `rank 2 on node7`.
  func name(ofRank rank: Int) -> String
  var traffic: Traffic { get }
}

extension Communicator: RankGroup {}

/// A process that trains alone.
package final class SingleRank: RankGroup {
  package let rank = 0
  package let size = 1
  private var claims = (round: -1, next: 0)

  package init() {}
  package func allReduceSum(_ values: UnsafeMutableBufferPointer<Int64>) throws {}
  package func allReduceSum(_ values: UnsafeMutableBufferPointer<Int32>) throws {}
  package func claimNext(inRound round: Int) throws -> Int {
    claims = claims.round == round ? (round, claims.next + 1) : (round, 0)
    return claims.next
  }
  package func broadcast(_ bytes: [UInt8]) throws -> [UInt8] { bytes }
}

extension RankGroup {
  package func beginPhase(_ phase: String) {}
  package func name(ofRank rank: Int) -> String { "rank \(rank)" }
  package var traffic: Traffic { Traffic() }

  /// Does `work` on rank 0 and makes all ranks throw where it throws there, so that all leave
  /// together and with the same exit code.
  package func onRankZero(_ work: () throws -> Void) throws {
    var failure: (any Error)?
    if rank == 0 {
      do { try work() } catch { failure = error }
    }
    // 0 all well, else the exit code of rank 0's error. After a time-out MPI still owns the slot,
    // so it is freed after success only.
    let slot = UnsafeMutableBufferPointer<Int64>.allocate(capacity: 1)
    slot.initialize(repeating: Int64(failure?.programExitCode ?? 0))
    do { try allReduceSum(slot) } catch { throw failure ?? error }
    let code = Int32(truncatingIfNeeded: slot[0])
    slot.deallocate()
    if let failure { throw failure }
    if code != 0 { throw OtherRankFailed(rank: 0, exitCode: code) }
  }

  /// The sums of a few numbers over all ranks.
  func sums(of numbers: [Int64]) throws -> [Int64] {
    let slots = UnsafeMutableBufferPointer<Int64>.allocate(capacity: numbers.count)
    _ = slots.initialize(from: numbers)
    // Freed after success only, as above.
    try allReduceSum(slots)
    defer { slots.deallocate() }
    return Array(slots)
  }

  /// Copies rank 0's numbers to all ranks.
  func broadcast(_ vector: FloatBuffer) throws {
    let raw = UnsafeMutableRawBufferPointer(vector.elements)
    let bytes = try broadcast(rank == 0 ? Array(raw) : [])
    if rank != 0 {
      precondition(bytes.count == raw.count, "ranks disagree on the number of parameters")
      raw.copyBytes(from: bytes)
    }
  }
}
