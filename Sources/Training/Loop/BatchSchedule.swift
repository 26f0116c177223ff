internal import Datasets

/// Which sequences of one step or one evaluation this rank computes, a few at a time.
///
/// Which rank computes which sequence has no influence on any result: sums are exact.
package struct BatchSchedule {
  /// Numbers of the sequences, by slot.
  package let batch: [Int]
  private let ranks: any RankGroup
  /// Nil: rank r computes slots r, r + size, ... Else the round in which ranks claim the next slot.
  private let round: Int?
  private var taken = 0
  private var isExhausted = false

  package init(_ batch: [Int], ranks: any RankGroup, claimingInRound round: Int?) {
    (self.batch, self.ranks, self.round) = (batch, ranks, round)
  }

  /// The next slots of this rank, at most `most`; none when all are done.
  package mutating func next(_ most: Int) throws -> [Int] {
    var slots: [Int] = []
    while slots.count < most, let slot = try nextSlot() { slots.append(slot) }
    return slots
  }

  private mutating func nextSlot() throws -> Int? {
    // Asking on after the end would begin another round for a late rank.
    guard !isExhausted else { return nil }
    let slot: Int
    if let round {
      slot = try ranks.claimNext(inRound: round)
    } else {
      slot = ranks.rank + taken * ranks.size
      taken += 1
    }
    isExhausted = !batch.indices.contains(slot)
    return isExhausted ? nil : slot
  }
}
