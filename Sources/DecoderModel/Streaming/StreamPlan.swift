/// Which blocks of a base stay in memory and which come and go.
///
/// A training pass goes through the blocks forward and then backward. The last blocks stay, as many
/// as fit; the first ones stream through a window of two: the block at hand and the one being read.
/// Each block that streams is then read twice a pass, which is the least that any choice of this
/// many bytes can do, and passes that only go forward have the same gain. Leaving the choice to the
/// kernel would be worse: what it forgets is what was used longest ago, and forward passes over a
/// base that does not fit use just that next.
package struct StreamPlan: Sendable, Equatable {
  /// Bytes that come and go with each block: its codes.
  package let blockBytes: [Int]
  /// Blocks before this one stream.
  package let streamed: Int

  /// Streamed blocks in memory at a time.
  package static let window = 2

  /// - Parameter budget: bytes of memory for the codes of all blocks. The window is held in any
  ///   case.
  package init(blockBytes: [Int], budget: Int) {
    self.blockBytes = blockBytes
    var streamed = 0
    var kept = blockBytes.reduce(0, +)
    var largest = 0
    while streamed < blockBytes.count, kept + min(streamed, Self.window) * largest > budget {
      kept -= blockBytes[streamed]
      largest = max(largest, blockBytes[streamed])
      streamed += 1
    }
    self.streamed = streamed
  }

  package var residentBytes: Int { blockBytes[streamed...].reduce(0, +) }
  package var streamedBytes: Int { blockBytes[..<streamed].reduce(0, +) }
  /// Memory for codes at any time.
  package var peakBytes: Int {
    residentBytes + (blockBytes[..<streamed].max() ?? 0) * min(streamed, Self.window)
  }
}

/// The streamed blocks that are in memory, and what to do as a pass goes on.
package struct StreamWindow {
  /// What to do when a block begins; dropping comes first.
  package struct Change: Equatable {
    package var drop: [Int] = []
    package var load: [Int] = []
  }

  private let plan: StreamPlan
  /// Longest unused first.
  private var held: [Int] = []
  /// Blocks that stay, once they have been asked for.
  private var settled: Set<Int> = []

  package init(_ plan: StreamPlan) { self.plan = plan }

  /// `layer` begins, and `next` will be the one after it.
  package mutating func prefetch(_ layer: Int, next: Int) -> Change {
    var change = Change()
    hold(layer, &change)
    hold(next, &change)
    return change
  }

  private mutating func hold(_ layer: Int, _ change: inout Change) {
    guard layer < plan.streamed else {
      if settled.insert(layer).inserted { change.load.append(layer) }
      return
    }
    if let place = held.firstIndex(of: layer) {
      held.append(held.remove(at: place))
      return
    }
    if held.count == StreamPlan.window { change.drop.append(held.removeFirst()) }
    held.append(layer)
    change.load.append(layer)
  }
}
