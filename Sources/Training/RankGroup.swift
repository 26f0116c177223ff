internal import Collectives

/// The processes that train together, as far as training sees them.
///
/// `Communicator` is the real one; tests run ranks as threads.
package protocol RankGroup: AnyObject {
  var rank: Int { get }
  var size: Int { get }
  /// Replaces `values` by their sums over all ranks.
  func allReduceSum(_ values: UnsafeMutableBufferPointer<Int64>) throws
  /// The bytes that rank 0 gives, on every rank.
  func broadcast(_ bytes: [UInt8]) throws -> [UInt8]
}

extension Communicator: RankGroup {}

/// A process that trains alone.
package final class SingleRank: RankGroup {
  package let rank = 0
  package let size = 1

  package init() {}
  package func allReduceSum(_ values: UnsafeMutableBufferPointer<Int64>) throws {}
  package func broadcast(_ bytes: [UInt8]) throws -> [UInt8] { bytes }
}

extension RankGroup {
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
    slot.initialize(repeating: failure.map { Int64(trainingExitCode($0)) } ?? 0)
    do { try allReduceSum(slot) } catch { throw failure ?? error }
    let code = Int32(truncatingIfNeeded: slot[0])
    slot.deallocate()
    if let failure { throw failure }
    if code != 0 { throw TrainingError.otherRank(rank: 0, code: code) }
  }

  /// Copies rank 0's numbers to all ranks.
  func broadcast(_ vector: borrowing FloatVector) throws {
    let raw = UnsafeMutableRawBufferPointer(vector.values)
    let bytes = try broadcast(rank == 0 ? Array(raw) : [])
    if rank != 0 {
      precondition(bytes.count == raw.count, "ranks disagree on the number of parameters")
      raw.copyBytes(from: bytes)
    }
  }
}
