import Testing
import Training

/// Who computes which sequences of a batch.
@Suite struct WorkSupplyTests {
  private func places(_ supply: WorkSupply, most: Int) throws -> [Int] {
    var (supply, places): (WorkSupply, [Int]) = (supply, [])
    while true {
      let next = try supply.next(most)
      #expect(next.count <= most)
      if next.isEmpty { return places }
      places += next
    }
  }

  /// Rank r takes places r, r + n, ...: each place once, and no rank one more than another needs.
  @Test(arguments: [1, 2, 3, 4, 7], [1, 2, 5])
  func staticShares(size: Int, most: Int) throws {
    let batch = [40, 10, 30, 20, 50, 60]
    let shares = try onRanks(size) { rank in
      try places(WorkSupply(batch, ranks: rank, stealingInRound: nil), most: most)
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
        let mine = try places(WorkSupply(batch, ranks: rank, stealingInRound: round), most: 3)
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
