/// Successive halving: at each rung the best of those that are left go on.
///
/// Jamieson, Talwalkar: "Non-stochastic best arm identification and hyperparameter optimization",
/// AISTATS 2016; one bracket of Hyperband (Li et al., JMLR 2018), with rungs given by hand.
package enum Halving {
  /// How many of `count` go on: one of `eta`, at least one.
  package static func kept(of count: Int, eta: Double) -> Int {
    max(1, Int((Double(count) / eta).rounded(.up)))
  }

  /// Those that go on, in rising order.
  ///
  /// - Parameter scores: by number; less is better, and what has none or none that is finite has
  ///   failed. Equal scores are told apart by number, so that the answer is always the same.
  package static func survivors(_ scores: [(number: Int, score: Double?)], eta: Double) -> [Int] {
    let ranked = ranking(scores)
    return Array(ranked.prefix(kept(of: scores.count, eta: eta))).sorted()
  }

  /// Numbers from best to worst, without those that have failed.
  package static func ranking(_ scores: [(number: Int, score: Double?)]) -> [Int] {
    scores.compactMap { entry in
      entry.score.flatMap { $0.isFinite ? (score: $0, number: entry.number) : nil }
    }.sorted { ($0.score, $0.number) < ($1.score, $1.number) }.map(\.number)
  }
}
