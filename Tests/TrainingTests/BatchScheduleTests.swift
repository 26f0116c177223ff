import Testing
import Training

/// Who computes which sequences of a batch.
@Suite struct BatchScheduleTests {
  private func slots(_ schedule: BatchSchedule, most: Int) throws -> [Int] {
    var (schedule, slots): (BatchSchedule, [Int]) = (schedule, [])
    while true {
      let next = try schedule.next(most)
      #expect(next.count <= most)
      if next.isEmpty { return slots }
      slots += next
    }
  }

  /// Rank r takes slots r, r + n, ...: each place once, and no rank one more than another needs.
  @Test(arguments: [1, 2, 3, 4, 7], [1, 2, 5])
  func staticShares(size: Int, most: Int) throws {
    let batch = [40, 10, 30, 20, 50, 60]
    let shares = try onRanks(size) { rank in
      try slots(BatchSchedule(batch, ranks: rank, claimingInRound: nil), most: most)
    }
    for (rank, share) in shares.enumerated() {
      #expect(share == Array(stride(from: rank, to: batch.count, by: size)))
    }
  }

  /// Each place goes to one rank, whichever; asking again after the end takes nothing of the next
  /// round.
  @Test(arguments: [1, 2, 3, 7])
  func dynamicShares(size: Int) throws {
    let batch = Array(0..<20)
    let rounds = try onRanks(size) { rank in
      try (1...2).map { round in
        let mine = try slots(BatchSchedule(batch, ranks: rank, claimingInRound: round), most: 3)
        // As in training: a collective between two rounds.
        _ = try rank.broadcast([])
        return mine
      }
    }
    for round in 0..<2 {
      #expect(rounds.flatMap { $0[round] }.sorted() == Array(0..<20))
    }
  }
}
