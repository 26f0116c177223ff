package import Datasets

/// Which sequences stand in which file of a teacher's cache: those that come together in the first
/// epoch, so that a run of a part of an epoch needs a part of the files.
///
/// A pure function of the data and the seed; ranks do not appear in it.
package struct TeacherShards: Sendable {
  /// Sequences in the order of the first epoch.
  private let order: [Int32]
  /// Where each sequence stands in it.
  private let places: [Int32]
  /// Shard i has places `bounds[i]..<bounds[i + 1]`.
  private let bounds: [Int]

  /// Tokens of a file: some megabytes, and some minutes of a large teacher.
  private static let leastTokens = 1 << 14
  /// Files of a cache: all of them are mapped by every rank.
  private static let mostFiles = 1024

  /// - Parameter lengths: tokens of each sequence.
  package init(_ data: DataOrder, lengths: [Int]) {
    precondition(lengths.count == data.count, "a length for each sequence")
    let order = data.indices(at: 0, count: data.count).map(Int32.init)
    var places = [Int32](repeating: 0, count: order.count)
    for (place, sequence) in order.enumerated() { places[Int(sequence)] = Int32(place) }
    let wanted = max(Self.leastTokens, lengths.reduce(0, +) / Self.mostFiles)
    var (bounds, tokens) = ([0], 0)
    for (place, sequence) in order.enumerated() {
      tokens += lengths[Int(sequence)]
      guard tokens >= wanted || place == order.count - 1 else { continue }
      bounds.append(place + 1)
      tokens = 0
    }
    (self.order, self.places, self.bounds) = (order, places, bounds)
  }

  package var count: Int { bounds.count - 1 }

  /// The sequences of a shard, in their order.
  package func sequences(of shard: Int) -> [Int] {
    order[bounds[shard]..<bounds[shard + 1]].map(Int.init)
  }

  /// The shard of a sequence, and where it stands there.
  package func place(of sequence: Int) -> (shard: Int, index: Int) {
    let place = Int(places[sequence])
    var (low, high) = (0, count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if bounds[middle] <= place { low = middle } else { high = middle }
    }
    return (low, place - bounds[low])
  }

  /// Shards, from the first on, that hold what training meets first.
  package func needed(forSequences count: Int) -> Int {
    guard count > 0 else { return 0 }
    return place(of: Int(order[min(count, order.count) - 1])).shard + 1
  }
}
