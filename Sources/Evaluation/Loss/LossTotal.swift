package import Collectives

/// The loss of windows or sequences, added so that order and grouping cannot show.
///
/// The losses of one item are added in Double, in the order of its positions; that sum is rounded
/// once to a multiple of 2^-24 nats and added as an integer (`ExactSum`). A total over n items is
/// off by at most n * 3.0e-8 nats; a mean over windows of 1023 predictions by 3e-11. So the digits
/// are the same on any number of ranks and threads.
package struct LossTotal: ~Copyable {
  package var sum: ExactSum

  private static let (lossPlace, tokenPlace, itemPlace) = (0, 1, 2)
  /// Bits behind the point of a loss.
  package static let fractionBits = 24

  /// `items`: at most so many are added over all ranks.
  package init(items: Int) {
    sum = ExactSum(count: 3, scalarFractionBits: Self.fractionBits, addends: max(1, items))
  }

  /// Adds the token losses of one item, numbered `index` for messages.
  package mutating func add(_ losses: [Double], item index: Int) throws {
    let loss = losses.reduce(0, +)
    guard loss.isFinite else { throw EvaluationError.lossNotFinite(item: index, value: loss) }
    try sum.addDouble(loss, at: Self.lossPlace)
    try sum.addInteger(Int64(losses.count), at: Self.tokenPlace)
    try sum.addInteger(1, at: Self.itemPlace)
  }

  /// Nats over all tokens.
  package var loss: Double { sum.double(at: Self.lossPlace) }
  package var tokens: Int { Int(sum.integer(at: Self.tokenPlace)) }
  package var items: Int { Int(sum.integer(at: Self.itemPlace)) }
}
