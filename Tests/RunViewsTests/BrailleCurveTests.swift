import RunViews
import Testing

@Suite struct BrailleCurveTests {
  /// Dots of a text of braille patterns, from the top left, by the order of Unicode's bits.
  private func dots(_ lines: [String]) -> [[Bool]] {
    var rows: [[Bool]] = []
    for line in lines {
      for y in 0..<4 {
        rows.append(
          line.unicodeScalars.flatMap { scalar -> [Bool] in
            let bits = scalar == " " ? 0 : scalar.value - 0x2800
            return [0, 1].map { x in
              // Dots 1 2 3 7 at the left, 4 5 6 8 at the right.
              let bit = y == 3 ? 6 + x : 3 * x + y
              return bits >> bit & 1 == 1
            }
          })
      }
    }
    return rows
  }

  @Test func aDiagonalGoesFromCornerToCorner() {
    var curve = BrailleCurve(columns: 4, rows: 2)
    curve.draw([(0, 0), (1, 1)], x: 0...1, y: 0...1)
    let found = dots(curve.lines)
    #expect(found.count == 8 && found.allSatisfy { $0.count == 8 })
    for row in 0..<8 {
      for column in 0..<8 { #expect(found[row][column] == (column == 7 - row)) }
    }
  }

  @Test func knownPatterns() {
    var curve = BrailleCurve(columns: 2, rows: 1)
    curve.draw([(0, 1), (1, 1)], x: 0...1, y: 0...1)
    #expect(curve.lines == ["⠉⠉"])
    curve.draw([(0, 0), (1, 0)], x: 0...1, y: 0...1)
    #expect(curve.lines == ["⣉⣉"])
  }

  /// Every column of dots that lies between points has some: a curve has no holes.
  @Test func noHoles() {
    var curve = BrailleCurve(columns: 30, rows: 5)
    curve.draw((0..<10).map { (Double($0), $0 % 2 == 0 ? 0 : 1) }, x: 0...9, y: 0...1)
    let found = dots(curve.lines)
    for column in 0..<60 { #expect(found.contains { $0[column] }) }
  }

  @Test func asciiAndMarks() {
    var curve = BrailleCurve(columns: 5, rows: 2, isUnicode: false)
    curve.draw([(0, 0), (4, 0)], x: 0...4, y: 0...1)
    curve.mark([(4, 1)], x: 0...4, y: 0...1)
    #expect(curve.lines == ["    o", "*****"])
  }

  /// One value, or numbers that are none, draw something or nothing, and do not trap.
  @Test func oddNumbers() {
    var curve = BrailleCurve(columns: 0, rows: -1)
    curve.draw([(1, .nan), (.infinity, 1), (1, 1)], x: 1...1, y: 1...1)
    curve.draw([(1e300, -1e300)], x: -1e308...1e308, y: -1e308...1e308)
    curve.mark([(.nan, 0)], x: 0...1, y: 0...1)
    #expect(curve.lines.count == 1 && curve.lines[0].count == 1)
  }
}
