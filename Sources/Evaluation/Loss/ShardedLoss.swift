package import Collectives
internal import DecoderModel
internal import ExitCodes

/// The loss over many independent items, shared out over ranks.
///
/// Round k gives item k * size + rank to each rank. After every round the ranks agree whether all
/// are well, so that a failure or a signal ends all of them within one item.
package struct ShardedLoss {
  package let itemCount: Int
  /// Token losses of an item.
  private let score: (Int) throws -> [Double]

  package init(itemCount: Int, score: @escaping (Int) throws -> [Double]) {
    self.itemCount = itemCount
    self.score = score
  }

  /// How far a sweep is.
  package struct Progress: Sendable, Equatable {
    /// Items done by all ranks.
    package var done: Int
    package var total: Int
    /// Mean loss over this rank's items so far.
    package var loss: Double
  }

  package func rounds(ranks: Int) -> Int { (itemCount + ranks - 1) / ranks }

  /// Scores what `rank` has to do in `round`, if anything.
  package func add(round: Int, rank: Int, of size: Int, to total: inout LossTotal) throws {
    let item = round * size + rank
    guard item < itemCount else { return }
    try total.add(try score(item), item: item)
  }

  /// The loss over all items, the same on every rank; a collective call.
  ///
  /// - Throws: `.stopped` where `isStopped` says so on any rank, `OtherRankFailed` where another
  ///   failed.
  package func run(
    on ranks: Communicator, progress: (Progress) -> Void = { _ in },
    isStopped: () -> Bool = { false }
  ) throws -> LossReport {
    let clock = ContinuousClock()
    let start = clock.now
    var total = LossTotal(items: itemCount)
    for round in 0..<rounds(ranks: ranks.size) {
      var failure: (any Error)?
      ranks.beginPhase("evaluation, round \(round + 1) of \(rounds(ranks: ranks.size))")
      do {
        if isStopped() { throw EvaluationError.stopped }
        try add(round: round, rank: ranks.rank, of: ranks.size, to: &total)
      } catch { failure = error }
      try Self.agree(failure, ranks)
      progress(
        Progress(
          done: min(itemCount, (round + 1) * ranks.size), total: itemCount,
          loss: total.tokens > 0 ? total.loss / Double(total.tokens) : 0))
    }
    try ranks.allReduceSum(&total.sum)
    guard total.tokens > 0 else { throw EvaluationError.textTooShort(tokens: 0, needed: 2) }
    return LossReport(
      loss: total.loss / Double(total.tokens), tokens: total.tokens, items: total.items,
      seconds: (clock.now - start).seconds)
  }

  /// Throws on all ranks where one has failed.
  static func agree(_ failure: (any Error)?, _ ranks: Communicator) throws {
    do { try ranks.agree(on: failure) } catch let error as OtherRankFailed {
      throw error.exitCode == EvaluationError.stopped.exitCode ? EvaluationError.stopped : error
    }
  }
}

extension Duration {
  /// As a number.
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
