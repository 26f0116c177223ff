/// Rows of text under headings, padded with spaces so that columns stand below each other.
package struct TextTable {
  package enum Alignment: Sendable { case left, right }

  private let columns: [(heading: String, alignment: Alignment)]
  private var rows: [[String]] = []

  package init(_ columns: (heading: String, alignment: Alignment)...) { self.columns = columns }

  init(columns: [(heading: String, alignment: Alignment)], rows: [[String]]) {
    (self.columns, self.rows) = (columns, rows)
  }

  /// Missing cells are empty.
  package mutating func add(_ cells: String...) { rows.append(cells) }

  /// Two spaces between columns, none at the end of a line.
  package var lines: [String] {
    padded(least: 0).map { cells in
      String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
    }
  }

  /// A table of Markdown (GitHub), which reads well as plain text, too.
  var markdown: String {
    // A rule takes three characters.
    let cells = padded(least: 3)
    let rule = zip(columns, cells[0]).map { column, heading in
      column.alignment == .left
        ? String(repeating: "-", count: heading.count)
        : String(repeating: "-", count: heading.count - 1) + ":"
    }
    return ([cells[0], rule] + cells.dropFirst()).map { "| \($0.joined(separator: " | ")) |" }
      .joined(separator: "\n")
  }

  /// The headings and all rows, each cell as wide as its column, which has `least` characters.
  private func padded(least: Int) -> [[String]] {
    let all = [columns.map(\.heading)] + rows
    let widths = columns.indices.map { column in
      all.reduce(least) { max($0, column < $1.count ? $1[column].count : 0) }
    }
    return all.map { cells in
      columns.indices.map { column in
        let cell = column < cells.count ? cells[column] : ""
        let space = String(repeating: " ", count: widths[column] - cell.count)
        return columns[column].alignment == .left ? cell + space : space + cell
      }
    }
  }
}
