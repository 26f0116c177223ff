package import DecoderModel
internal import Reporting
package import Training

/// What was decided for a base on one node, and why.
package struct StreamingChoice: Sendable, Equatable {
  /// Nil: the base is mapped as a whole and stays where the kernel keeps it.
  package let plan: StreamPlan?
  private let baseBytes: Int

  /// - Parameters:
  ///   - fileBytes: the whole base; `blockBytes` are the parts of it that can come and go.
  ///   - privateBytes: what all ranks of the node will need for themselves.
  ///   - available: memory of the node.
  ///   - limit: what the run may use of it, private memory included; nil for all of it.
  package init(
    _ mode: StreamingMode, fileBytes: Int, blockBytes: [Int], privateBytes: Int, available: Int?,
    limit: Int?
  ) {
    let whole = [available, limit].compactMap { $0 }.min()
    // For the base; nil where nothing is known of the memory.
    let room = whole.map { max(0, Self.usable($0) - privateBytes) }
    let fixed = fileBytes - blockBytes.reduce(0, +)
    baseBytes = fileBytes
    switch mode {
    case .off: plan = nil
    case .on:
      // Asked for without a limit: as little memory as can be.
      let kept = limit == nil ? 0 : max(0, (room ?? 0) - fixed)
      plan = StreamPlan(blockBytes: blockBytes, budget: kept)
    case .auto:
      guard let room, fileBytes > room else {
        plan = nil
        return
      }
      plan = StreamPlan(blockBytes: blockBytes, budget: max(0, room - fixed))
    }
  }

  /// The `limit` of a setting in GB, of which 0 is none.
  package static func limit(gigabytes: Double) -> Int? {
    gigabytes > 0 ? Int(gigabytes * 1e9) : nil
  }

  /// What runs may take of `memory`: a twentieth stays free for the program itself, its neighbours
  /// and the kernel.
  package static func usable(_ memory: Int) -> Int { memory - memory / 20 }

  /// For `base`, and what each rank of a node needs beside it.
  package init(
    _ mode: StreamingMode, _ base: QuantizedBase, _ memory: MemoryPlan, ranksOnNode: Int,
    available: Int?, limit: Int?
  ) {
    self.init(
      mode, fileBytes: base.byteCount, blockBytes: base.blockBytes,
      privateBytes: memory.privateBytes * ranksOnNode, available: available, limit: limit)
  }

  /// One line for the reader of a run; nil where nothing is streamed.
  package var text: String? {
    guard let plan else { return nil }
    return "base of \(megabytes(baseBytes)) is streamed: \(plan.streamed) of "
      + "\(plan.blockBytes.count) blocks, \(megabytes(plan.streamedBytes)), are read in each "
      + "direction; \(megabytes(baseBytes - plan.streamedBytes)) stay in memory"
  }
}
