/// A curve of dots, two by four to a character, as Unicode's braille patterns have them.
package struct BrailleCurve: Sendable {
  /// In characters.
  package let columns: Int
  package let rows: Int
  /// Braille patterns; else stars, a character a dot.
  private let isUnicode: Bool
  private var dots: [Bool]
  /// Characters that stand in place of dots, by cell.
  private var marks: [Int: Unicode.Scalar] = [:]

  package init(columns: Int, rows: Int, isUnicode: Bool = true) {
    self.columns = max(1, columns)
    self.rows = max(1, rows)
    self.isUnicode = isUnicode
    dots = [Bool](
      repeating: false,
      count: self.columns * self.rows * (isUnicode ? 8 : 1))
  }

  private var width: Int { columns * (isUnicode ? 2 : 1) }
  private var height: Int { rows * (isUnicode ? 4 : 1) }

  /// Draws the points, x rising, joined from column to column; several of a column by their mean.
  /// What lies outside of the ranges is drawn at their ends.
  package mutating func draw(
    _ points: [(x: Double, y: Double)], x: ClosedRange<Double>, y: ClosedRange<Double>
  ) {
    var last: (column: Int, row: Int)?
    for (column, value) in means(points, x: x) {
      let row = self.row(value, in: y)
      if let last {
        join(last, (column, row))
      } else {
        set(column, row)
      }
      last = (column, row)
    }
  }

  /// Sets a mark at each point.
  package mutating func mark(
    _ points: [(x: Double, y: Double)], x: ClosedRange<Double>, y: ClosedRange<Double>
  ) {
    for point in points where point.x.isFinite && point.y.isFinite {
      let column = Self.place(point.x, in: x, of: columns)
      let row = rows - 1 - Self.place(point.y, in: y, of: rows)
      marks[row * columns + column] = isUnicode ? "●" : "o"
    }
  }

  private func means(
    _ points: [(x: Double, y: Double)], x range: ClosedRange<Double>
  ) -> [(column: Int, value: Double)] {
    var sums: [(column: Int, sum: Double, count: Double)] = []
    for point in points where point.x.isFinite && point.y.isFinite {
      let column = Self.place(point.x, in: range, of: width)
      if let last = sums.last, last.column == column {
        sums[sums.count - 1] = (column, last.sum + point.y, last.count + 1)
      } else {
        sums.append((column, point.y, 1))
      }
    }
    return sums.map { ($0.column, $0.sum / $0.count) }
  }

  /// From 0 at the top.
  private func row(_ value: Double, in range: ClosedRange<Double>) -> Int {
    height - 1 - Self.place(value, in: range, of: height)
  }

  private static func place(_ value: Double, in range: ClosedRange<Double>, of count: Int) -> Int {
    let length = range.upperBound - range.lowerBound
    guard length > 0, length.isFinite else { return count / 2 }
    let share = min(max((value - range.lowerBound) / length, 0), 1)
    return min(count - 1, Int(share * Double(count)))
  }

  private mutating func join(_ from: (column: Int, row: Int), _ to: (column: Int, row: Int)) {
    let steps = max(abs(to.column - from.column), abs(to.row - from.row), 1)
    for step in 0...steps {
      let share = Double(step) / Double(steps)
      set(
        from.column + Int((Double(to.column - from.column) * share).rounded()),
        from.row + Int((Double(to.row - from.row) * share).rounded()))
    }
  }

  private mutating func set(_ column: Int, _ row: Int) { dots[row * width + column] = true }

  /// From top to bottom.
  package var lines: [String] {
    (0..<rows).map { row in
      (0..<columns).reduce(into: "") { $0.unicodeScalars.append(character(row, $1)) }
    }
  }

  private func character(_ row: Int, _ column: Int) -> Unicode.Scalar {
    if let mark = marks[row * columns + column] { return mark }
    guard isUnicode else { return dots[row * width + column] ? "*" : " " }
    // Bits of the dots, by column and row: Unicode, chapter 21.1.
    let bits: [[UInt32]] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]]
    var pattern: UInt32 = 0
    for x in 0..<2 {
      for y in 0..<4 where dots[(4 * row + y) * width + 2 * column + x] { pattern |= bits[x][y] }
    }
    return pattern == 0 ? " " : Unicode.Scalar(0x2800 + pattern) ?? " "
  }
}
