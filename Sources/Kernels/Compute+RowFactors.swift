/// Outputs of one token, and the numbers by which they are multiplied, one each.
package struct FactoredRow {
  let outputs: UnsafeMutablePointer<Float>
  let factors: UnsafePointer<Float>
  let count: Int

  package init(
    _ outputs: UnsafeMutablePointer<Float>, by factors: UnsafePointer<Float>, count: Int
  ) {
    (self.outputs, self.factors, self.count) = (outputs, factors, count)
  }
}

extension Compute {
  /// Multiplies each row by its factors: the bits that a product with these scales has, where they
  /// are applied to finished sums.
  package func multiply(_ rows: [FactoredRow]) {
    // Below this, handing it to the threads costs more than the work.
    if rows.reduce(0, { $0 + $1.count }) > 16384 {
      pool.parallelFor(rows.count) { rows[$0].multiply() }
    } else {
      for row in rows { row.multiply() }
    }
  }
}

extension FactoredRow {
  /// Products add a bias of 0 too, so that a sum of -0 becomes 0.
  fileprivate func multiply() {
    for i in 0..<count { outputs[i] = outputs[i] * factors[i] + 0 }
  }
}
