/// Rows of a matrix whose columns are in another order than those of its input (act-order).
package enum ColumnOrder {
  /// Puts rows, one behind the other, in the order of the input: number j of each goes to
  /// `order[j]`, a permutation.
  package static func restore(_ rows: UnsafeMutableBufferPointer<Float>, order: [Int32]) {
    guard !order.isEmpty else { return }
    var row = [Float](repeating: 0, count: order.count)
    for start in stride(from: 0, to: rows.count, by: order.count) {
      for (place, column) in order.enumerated() { row[Int(column)] = rows[start + place] }
      for column in row.indices { rows[start + column] = row[column] }
    }
  }
}
