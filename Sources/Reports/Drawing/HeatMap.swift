/// A value for each pair of a column and a row, as colour.
struct HeatMap {
  var title: String
  var unit: String
  var columns: [String]
  var rows: [String]
  /// By row, then column; nil where there is no value.
  var values: [[Double?]]
  /// What stands under the pointer.
  var text: (Double) -> String

  var html: HTML? {
    let all = values.joined().compactMap { $0 }
    guard let greatest = all.max(), greatest > 0, !columns.isEmpty else { return nil }
    let frame = PlotFrame(
      left: rows.enumerated().map {
        .init(place: (2 * $0.offset + 1) * 500 / rows.count, text: $0.element)
      },
      bottom: shownColumns.map {
        .init(place: (2 * $0 + 1) * 500 / columns.count, text: columns[$0])
      },
      description: title, drawing: cells(greatest).joined(""))
    let legend: HTML =
      "<span class=\"legend\">0 <span class=\"ramp\">&#160;</span> \(text(greatest))</span>"
    return .figure(title, unit: unit, legend: legend, kind: "heat", rows: rows.count, frame)
  }

  /// About ten columns have room for their names.
  private var shownColumns: [Int] {
    let each = [1, 2, 5, 10, 20, 50].first { columns.count <= 11 * $0 } ?? 100
    return Array(stride(from: 0, to: columns.count, by: each))
  }

  private func cells(_ greatest: Double) -> [HTML] {
    rows.indices.flatMap { row in
      columns.indices.compactMap { column -> HTML? in
        guard let value = values[row][column] else { return nil }
        let (left, right) = (column * 1000 / columns.count, (column + 1) * 1000 / columns.count)
        let (top, bottom) = (row * 1000 / rows.count, (row + 1) * 1000 / rows.count)
        let strength = Figures.exact(max(0.03, value / greatest), 2)
        return """
          <rect class="cell" x="\(left)" y="\(top)" width="\(right - left)" \
          height="\(bottom - top)" fill-opacity="\(strength)">\
          <title>layer \(columns[column]), \(rows[row]): \(text(value))</title></rect>
          """
      }
    }
  }
}
