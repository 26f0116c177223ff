/// Rank 0's counter for dynamic scheduling: which slot of a round each claim gets.
///
/// Rounds follow each other by one. A claim is known by its rank, round and number, so that a
/// request which comes twice, or whose answer was lost, gets the same slot again.
package struct ClaimCounter: Sendable {
  private var round = -1
  private var nextSlot = 0
  private var answers: [Int: (round: Int, number: Int, slot: Int)] = [:]

  package init() {}

  /// The slot of a claim; nil for a round that is over, or that cannot have begun.
  package mutating func claim(round: Int, number: Int, rank: Int) -> Int? {
    if let last = answers[rank], last.round == round, last.number == number { return last.slot }
    guard round >= self.round, round - 1 <= self.round, number >= 0 else { return nil }
    if round > self.round { (self.round, nextSlot) = (round, 0) }
    defer { nextSlot += 1 }
    answers[rank] = (round, number, nextSlot)
    return nextSlot
  }
}
