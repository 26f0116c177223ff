internal import Datasets

/// This rank's share of the sequences of one step or one evaluation, a few at a time.
///
/// Which rank computes which sequence has no influence on any result: sums are exact.
package struct WorkSupply {
  /// Numbers of the sequences, by place.
  package let batch: [Int]
  private let ranks: any RankGroup
  /// Nil: every `size`-th place. Else the round under which ranks take the next place each.
  private let round: Int?
  private var taken = 0
  private var isExhausted = false

  package init(_ batch: [Int], ranks: any RankGroup, stealingInRound round: Int?) {
    (self.batch, self.ranks, self.round) = (batch, ranks, round)
  }

  /// The next places of this rank, at most `most`; none when all are done.
  package mutating func next(_ most: Int) throws -> [Int] {
    var places: [Int] = []
    while places.count < most, let place = try nextPlace() { places.append(place) }
    return places
  }

  private mutating func nextPlace() throws -> Int? {
    // Asking on after the end would begin another round for a late rank.
    guard !isExhausted else { return nil }
    let place: Int
    if let round {
      place = try ranks.takePart(ofRound: round)
    } else {
      place = ranks.rank + taken * ranks.size
      taken += 1
    }
    isExhausted = place >= batch.count
    return isExhausted ? nil : place
  }
}
