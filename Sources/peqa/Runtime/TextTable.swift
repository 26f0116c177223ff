/// Rows of text under headings, padded with spaces: for people; machines take `--json`.
package struct TextTable {
  package enum Alignment { case left, right }

  private let columns: [(heading: String, alignment: Alignment)]
  private var rows: [[String]] = []

  package init(_ columns: (heading: String, alignment: Alignment)...) { self.columns = columns }

  /// Missing cells are empty.
  package mutating func add(_ cells: String...) { rows.append(cells) }

  package var lines: [String] {
    let all = [columns.map(\.heading)] + rows
    let widths = columns.indices.map { column in
      all.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    return all.map { cells in
      let padded = columns.indices.map { column in
        let cell = column < cells.count ? cells[column] : ""
        let space = String(repeating: " ", count: widths[column] - cell.count)
        return columns[column].alignment == .left ? cell + space : space + cell
      }
      let line = padded.joined(separator: "  ")
      return String(line.reversed().drop { $0 == " " }.reversed())
    }
  }
}
