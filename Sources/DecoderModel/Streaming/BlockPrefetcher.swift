internal import Dispatch

/// Reads the next block of a base while one is computed, and lets go of those that are done with.
///
/// Works beside the computation, on one thread that mostly waits for the disk. It changes when
/// bytes are in memory, never which: without it the same pages would come one by one when touched.
/// Of the ranks of a node all read ahead, which costs nothing where a page is there already.
package final class BlockPrefetcher {
  package let plan: StreamPlan
  private let base: QuantizedBase
  private let forgets: Bool
  private var window: StreamWindow
  private let queue = DispatchQueue(label: "peqa base stream")

  /// - Parameter forgets: what is dropped leaves the page cache too; for one rank of a node.
  package init(_ base: QuantizedBase, _ plan: StreamPlan, forgets: Bool) {
    precondition(plan.blockBytes.count == base.config.layerCount, "a plan is made for its base")
    self.base = base
    self.plan = plan
    self.forgets = forgets
    window = StreamWindow(plan)
  }

  /// Block `layer` is about to be computed, and then `next`.
  func prefetch(_ layer: Int, next: Int) {
    let change = window.prefetch(layer, next: next)
    guard change != StreamWindow.Change() else { return }
    queue.async { [base, forgets] in
      for layer in change.drop { base.drop(layer: layer, fromCache: forgets) }
      // A failure will show where the block is used, or when the length is checked.
      for layer in change.load { try? base.load(layer: layer) }
    }
  }

  /// Waits until everything that was asked for has been done.
  package func settle() { queue.sync {} }
}
