extension Compute {
  /// Side of a tile of a cross product.
  package static let tileSide = 256

  /// c [M, N] = a^T b (+ c), for a [T, M] and b [T, N]: the gradient of a dense matrix, of its
  /// outputs' gradients and its inputs.
  package func crossProduct(
    _ a: UnsafePointer<Float>, rows: Int, _ b: UnsafePointer<Float>, columns: Int, tokens: Int,
    accumulating: Bool, into c: UnsafeMutablePointer<Float>
  ) {
    let side = Self.tileSide
    let across = (columns + side - 1) / side
    pool.parallelFor((rows + side - 1) / side * across) { tile in
      let (row, column) = (tile / across * side, tile % across * side)
      BLAS.multiplyTransposed(
        a + row, b + column, rows: min(side, rows - row), columns: min(side, columns - column),
        tokens: tokens, strides: (rows, columns, columns), accumulating: accumulating,
        into: c + row * columns + column)
    }
  }
}
