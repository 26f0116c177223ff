/// Which sequences each step trains on: a pure function of (seed, step), so a resumed run seeks in
/// constant time and no order is ever stored. Ranks do not appear in it; they share a batch out.
///
/// Epochs follow each other without a gap: where `count` is no multiple of `globalBatchSize`, the
/// last batch of an epoch is filled from the beginning of the next. Every batch is full, and every
/// sequence is used exactly once an epoch.
package struct DataOrder: Sendable, Equatable {
  /// Sequences in the data set.
  package let count: Int
  /// Sequences a step, over all ranks.
  package let globalBatchSize: Int
  package let seed: UInt64
  /// False keeps the order of the data set in every epoch.
  package let shuffles: Bool

  package init(count: Int, globalBatchSize: Int, seed: UInt64, shuffles: Bool = true) {
    precondition(count > 0, "an order needs at least one sequence")
    precondition(globalBatchSize > 0, "a batch has at least one sequence")
    self.count = count
    self.globalBatchSize = globalBatchSize
    self.seed = seed
    self.shuffles = shuffles
  }

  /// Sequence indices of step `step`, counted from 0, in order.
  package func globalBatch(_ step: Int) -> [Int] {
    indices(at: step * globalBatchSize, count: globalBatchSize)
  }

  /// Sequence indices at `position` and after it in the endless run of epochs.
  package func indices(at position: Int, count length: Int) -> [Int] {
    precondition(position >= 0 && length >= 0, "positions count from 0")
    var result: [Int] = []
    result.reserveCapacity(length)
    var position = position
    while result.count < length {
      let (epoch, start) = position.quotientAndRemainder(dividingBy: count)
      let taken = min(count - start, length - result.count)
      if shuffles {
        let permutation = IndexPermutation(count: count, seed: seed, stream: UInt64(epoch))
        for index in start..<(start + taken) { result.append(permutation[index]) }
      } else {
        result.append(contentsOf: start..<(start + taken))
      }
      position += taken
    }
    return result
  }

  /// Epochs done after `steps` steps, as a fraction.
  package func epochs(after steps: Int) -> Double {
    Double(steps) * Double(globalBatchSize) / Double(count)
  }

  /// Steps that see at least `epochs` epochs.
  package func steps(forEpochs epochs: Double) -> Int {
    precondition(epochs >= 0 && epochs.isFinite, "epochs are finite")
    let steps = (epochs * Double(count) / Double(globalBatchSize)).rounded(.up)
    return Int(exactly: steps) ?? Int.max
  }
}
