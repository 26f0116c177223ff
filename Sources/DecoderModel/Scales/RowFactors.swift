internal import Kernels

/// One task as a member of a batch whose sequences share their products: the numbers by which the
/// outputs of shared products are multiplied to become the task's own.
///
/// A matrix with one scale a row is multiplied without scales, and factors are the task's scales:
/// the same bits as the task alone. A matrix with groups is multiplied with the base's scales, and
/// factors are gains: the task alone rounds the product of both for each group, this does not
/// (docs/numerics.md, "Batches of several tasks"). Scales of groups are no factors of rows.
package final class RowFactors {
  /// Nil for the base itself.
  package let task: AdapterScales?
  /// Why other tasks cannot share a product with this one; nil where they can.
  package let obstacle: String?
  /// What a batch gives has the bits of the task alone.
  package let isExact: Bool
  /// By layer and position in `BlockSpec.linears`; nil where outputs are the task's already. They
  /// point into `memory` or the task.
  private let rows: [[UnsafePointer<Float>?]]
  private let memory: FloatBuffer

  /// `weights` have their matrices pointed at the task.
  init(_ task: AdapterScales?, pointedAt weights: DecoderWeights) {
    self.task = task
    let linears = weights.layers.map { zip($0.roles, $0.linears.map(\.matrix)) }
    guard task?.zeroCount ?? 0 == 0 else {
      obstacle = "its zero points are its own, so it shares no product with other tasks"
      (isExact, rows, memory) = (true, [], FloatBuffer(count: 0))
      return
    }
    let grouped = linears.flatMap { $0 }.first { $1.isQuantized && !$1.scalesFinishedRows }
    guard grouped == nil || task?.form != .scales else {
      obstacle =
        "its scales of \(grouped.map { "\($0.0.kind)" } ?? "a layer") belong to groups of columns "
        + "or come with minima, so it shares no product with other tasks"
      (isExact, rows, memory) = (true, [], FloatBuffer(count: 0))
      return
    }
    obstacle = nil
    isExact = grouped == nil || task == nil
    let finished = linears.joined().filter { $0.1.scalesFinishedRows }
    memory = FloatBuffer(count: finished.reduce(0) { $0 + $1.1.rows })
    var next = memory.pointer
    rows = linears.enumerated().map { layer, linears in
      linears.map { role, matrix in
        guard matrix.scalesFinishedRows else {
          return task?.entry(layer: layer, role: role).flatMap { task?.gains(of: $0) }
        }
        defer { next += matrix.rows }
        for row in 0..<matrix.rows { next[row] = matrix.effectiveScale(row: row, group: 0) }
        return UnsafePointer(next)
      }
    }
  }

  /// [O] of the matrix at a position of `BlockSpec.linears`.
  subscript(layer: Int, position: Int) -> UnsafePointer<Float>? { rows[layer][position] }
}

extension AdapterScales {
  /// [O], of an adapter of gains.
  fileprivate func gains(of entry: Entry) -> UnsafePointer<Float> {
    UnsafePointer(gains.pointer + entry.range.lowerBound)
  }
}

/// The tasks of the tokens in one step of a batch, for the block at hand.
final class StackedFactors {
  private let tokens: [RowFactors]
  private var layer = 0

  /// One for each token.
  init(_ tokens: [RowFactors]) { self.tokens = tokens }

  func select(layer: Int) { self.layer = layer }

  /// What turns `y` [places, width] into the outputs of each token's task; `places` are tokens.
  func rows(
    _ y: UnsafeMutablePointer<Float>, width: Int, position: Int, places: some Sequence<Int>
  ) -> [FactoredRow] {
    places.enumerated().compactMap { row, token in
      tokens[token][layer, position].map {
        FactoredRow(y + row * width, by: $0, count: width)
      }
    }
  }
}
