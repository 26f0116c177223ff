internal import Checkpoints
internal import Collectives

/// Work on many units, shared out over ranks; every rank gets all answers in the units' order.
struct ShardedAnswers {
  let unitCount: Int
  /// The answer of a unit as bytes.
  let answer: (Int) throws -> [UInt8]

  /// A collective call; as `ShardedLoss`, round k gives unit k * size + rank to each rank, and the
  /// ranks agree after every round.
  func run(
    on ranks: Communicator, progress: (_ unitsDone: Int) -> Void, isStopped: () -> Bool
  ) throws -> [[UInt8]] {
    let rounds = (unitCount + ranks.size - 1) / ranks.size
    var own: [UInt8] = []
    for round in 0..<rounds {
      var failure: (any Error)?
      ranks.beginPhase("tasks, round \(round + 1) of \(rounds)")
      do {
        if isStopped() { throw EvaluationError.stopped }
        let unit = round * ranks.size + ranks.rank
        if unit < unitCount {
          let bytes = try answer(unit)
          own.append(littleEndian: UInt64(bytes.count))
          own += bytes
        }
      } catch { failure = error }
      try ShardedLoss.agree(failure, ranks)
      progress(min(unitCount, (round + 1) * ranks.size))
    }
    var parts = try ranks.allGather(own).map { $0[...] }
    return try (0..<unitCount).map { unit in
      let part = unit % ranks.size
      guard let count = parts[part].popLittleEndian(), count <= parts[part].count else {
        throw EvaluationError.badAnswers(rank: part)
      }
      defer { parts[part] = parts[part].dropFirst(Int(count)) }
      return Array(parts[part].prefix(Int(count)))
    }
  }
}

extension ArraySlice<UInt8> {
  /// Takes 8 bytes from the front; nil where there are fewer.
  mutating func popLittleEndian() -> UInt64? {
    guard count >= 8 else { return nil }
    defer { self = dropFirst(8) }
    return prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
