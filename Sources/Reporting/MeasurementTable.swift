internal import Foundation
package import JSONText

/// Rows of measurements in one of the forms that people and machines read.
package struct MeasurementTable: Sendable {
  package enum Form: String, CaseIterable, Sendable { case md, csv, json }

  package enum Cell: Sendable, Equatable {
    case text(String)
    case integer(Int)
    /// Shown with so many digits after the point; whole in JSON and CSV.
    case real(Double, digits: Int)
    case empty
  }

  /// Keys of JSON and CSV.
  package let keys: [String]
  /// Headings for people, in the order of the keys.
  package let headings: [String]
  package private(set) var rows: [[Cell]] = []

  package init(_ columns: [(key: String, heading: String)]) {
    keys = columns.map(\.key)
    headings = columns.map(\.heading)
  }

  package mutating func add(_ cells: [Cell]) {
    precondition(cells.count == keys.count, "a row has a cell for every column")
    rows.append(cells)
  }

  package func text(_ form: Form) -> String {
    switch form {
    case .md: markdown
    case .csv:
      ([keys] + rows.map { $0.map(\.exact) }).map { line in
        line.map(Self.quoted).joined(separator: ",")
      }.joined(separator: "\n")
    case .json: JSONValue.array(objects).text(indent: 2)
    }
  }

  /// One object a row.
  package var objects: [JSONValue] {
    rows.map { row in
      .object(zip(keys, row).map { JSONValue.Member(key: $0, value: $1.json) })
    }
  }

  /// Numbers stand to the right.
  private var markdown: String {
    let columns = headings.indices.map { column in
      let isNumber = rows.contains { $0[column].isNumber }
      return (heading: headings[column], alignment: isNumber ? TextTable.Alignment.right : .left)
    }
    return TextTable(columns: columns, rows: rows.map { $0.map(\.rounded) }).markdown
  }

  /// RFC 4180.
  private static func quoted(_ cell: String) -> String {
    guard cell.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return cell }
    return "\"" + cell.replacingOccurrences(of: "\"", with: "\"\"") + "\""
  }
}

extension MeasurementTable.Cell {
  fileprivate var isNumber: Bool {
    switch self {
    case .integer, .real: true
    case .text, .empty: false
    }
  }

  fileprivate var rounded: String {
    guard case .real(let number, let digits) = self else { return exact }
    guard number.isFinite else { return "-" }
    return fixed(number, digits: digits)
  }

  fileprivate var exact: String {
    switch self {
    case .text(let text): text
    case .integer(let number): "\(number)"
    case .real(let number, _): number.isFinite ? "\(number)" : ""
    case .empty: ""
    }
  }

  fileprivate var json: JSONValue {
    switch self {
    case .text(let text): .string(text)
    case .integer(let number): .integer(number)
    case .real(let number, _): number.isFinite ? .real(number) : .null
    case .empty: .null
    }
  }
}
