package import Kernels

/// What a linear layer reads, as its quantization needs it: H = sum of x x^T over the calibration
/// tokens, damped and scaled to a mean of 1 on its diagonal.
///
/// Rounding a row w of the layer to w' costs (w - w') H (w - w')^T in its output. Source: GPTQ,
/// arXiv 2210.17323, section 3; its Hessian is 2 H.
package final class InputMoments: @unchecked Sendable {
  /// I.
  package let columns: Int
  /// H [I, I], in the layer's order of columns.
  package let matrix: FloatBuffer
  /// Upper triangle U [I, I] with U^T U = H^-1, in the order of `order`; empty where no errors are
  /// fed back.
  let factor: FloatBuffer
  /// Columns in the order in which they are rounded, most active first; nil: as they lie.
  package let order: [Int]?
  /// By what H was divided: the mean of the squares of all inputs over all tokens, times tokens.
  package let unit: Double

  /// - Parameters:
  ///   - sums: [I, I], both triangles; used up.
  ///   - damping: share of the mean of the diagonal that is added to it.
  ///   - ordersColumns: GPTQ's act-order.
  ///   - feedsErrorsBack: columns will make up for each other's errors, for which H is inverted.
  package init(
    _ sums: NumberBuffer<Double>, columns: Int, damping: Double = 0.01, ordersColumns: Bool,
    feedsErrorsBack: Bool = true
  ) {
    precondition(sums.count == columns * columns, "moments are a square")
    self.columns = columns
    let diagonal = (0..<columns).map { sums.pointer[$0 * columns + $0] }
    let mean = diagonal.reduce(0, +) / Double(columns)
    unit = mean
    // A layer that has read nothing but zeros, or nothing: any rounding is as good as any other.
    let scale = mean > 0 ? 1 / mean : 0
    matrix = FloatBuffer(count: sums.count)
    for i in 0..<sums.count { matrix.pointer[i] = Float(sums.pointer[i] * scale) }
    let added = mean > 0 ? damping : 1
    for i in 0..<columns { matrix.pointer[i * columns + i] += Float(added) }
    order = ordersColumns ? Self.descending(diagonal) : nil
    factor = FloatBuffer(count: feedsErrorsBack ? sums.count : 0)
    if feedsErrorsBack { invert(sums) }
  }

  /// Equal ones stay in their order.
  private static func descending(_ diagonal: [Double]) -> [Int] {
    diagonal.indices.sorted { (diagonal[$1], $0) < (diagonal[$0], $1) }
  }

  /// Where fp32's H is not positive definite, more damping makes it so: a diagonal that dominates
  /// all else always is.
  private func invert(_ work: NumberBuffer<Double>) {
    var extra = 0.0
    while true {
      for i in 0..<columns {
        let row = order?[i] ?? i
        for j in 0..<columns {
          work.pointer[i * columns + j] =
            Double(matrix.pointer[row * columns + (order?[j] ?? j)]) + (i == j ? extra : 0)
        }
      }
      if BLAS.invertToUpperFactor(work.pointer, count: columns) { break }
      extra = max(extra * 10, 0.01)
    }
    for i in 0..<columns {
      for j in 0..<columns {
        factor.pointer[i * columns + j] = j < i ? 0 : Float(work.pointer[i * columns + j])
      }
    }
  }

  /// How much an error of a column costs by itself.
  func importance(_ column: Int) -> Float { matrix.pointer[column * columns + column] }

  /// Row G holds the sum of H's rows over group G, [G, I].
  func groupSums(_ layout: PackedLayout) -> FloatBuffer {
    let sums = FloatBuffer(zeros: layout.groups * columns)
    for i in 0..<columns {
      BLAS.add(
        matrix.pointer + i * columns, times: 1, count: columns,
        to: sums.pointer + i / layout.groupSize * columns)
    }
    return sums
  }
}
