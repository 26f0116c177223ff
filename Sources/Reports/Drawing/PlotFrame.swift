/// A drawing with its axes: the drawing stretches with the page, the labels are text that does not.
///
/// Inside, x and y run from 0 to 1000, y downwards. Lines keep their width by `vector-effect`, and
/// dots are lines without length, so that they stay round.
struct PlotFrame {
  struct Label {
    /// From 0, left or top, to 1000.
    var place: Int
    var text: String
  }

  var left: [Label]
  var bottom: [Label]
  /// What a screen reader says.
  var description: String
  var drawing: HTML

  var html: HTML {
    """
    <div class="frame" style="--y:\(widest)ch">
    <div class="y" aria-hidden="true">\(left.map { Self.label($0, edge: "top") }.joined(""))</div>
    <svg viewBox="0 0 1000 1000" preserveAspectRatio="none" role="img" \
    aria-label="\(description)">\(drawing)</svg>
    <div class="x" aria-hidden="true">\(bottom.map { Self.label($0, edge: "left") }.joined(""))</div>
    </div>
    """
  }

  private var widest: Int { left.map(\.text.count).max() ?? 0 }

  private static func label(_ label: Label, edge: String) -> HTML {
    let end =
      edge == "top"
      ? "" : label.place > 950 ? " class=\"e\"" : label.place < 50 ? " class=\"s\"" : ""
    let percent = "\(label.place / 10).\(label.place % 10)"
    return
      "<span\(HTML(markup: end)) style=\"\(edge):\(percent)%\">\(label.text)</span>"
  }
}

extension HTML {
  /// A drawing under its title.
  ///
  /// - Parameters:
  ///   - kind: further class of the figure, for the style sheet, or nothing.
  ///   - rows: of a heat map, which give it its height.
  static func figure(
    _ title: String, unit: String, legend: HTML = "", kind: String = "", rows: Int? = nil,
    _ frame: PlotFrame
  ) -> HTML {
    let height: HTML = rows.map { " style=\"--rows:\($0)\"" } ?? ""
    let measured: HTML = unit.isEmpty ? "" : " <span class=\"unit\">\(unit)</span>"
    return """
      <figure class="chart\(kind.isEmpty ? "" : " " + kind)"\(height)>
      <figcaption><b>\(title)</b>\(measured)\(legend)</figcaption>
      \(frame.html)
      </figure>
      """
  }

  /// A name with the mark of its line in drawings.
  static func key(_ name: String, color: Int, _ style: LineChart.Line.Style = .strong) -> HTML {
    "<span class=\"key c\(color) \(style.rawValue)\">\(name)</span>"
  }
}

extension Axis {
  /// Lines at the ticks, from left to right.
  var grid: HTML { "<path class=\"grid\" d=\"\(ticks.map { "M0 \(y($0))h1000" }.joined())\"/>" }

  /// The place of a value from left to right.
  func x(_ value: Double) -> Int { Self.place(share(value)) }

  /// The place of a value from top to bottom.
  func y(_ value: Double) -> Int { Self.place(1 - share(value)) }

  private static func place(_ share: Double) -> Int {
    Int((min(max(share, -1), 2) * 1000).rounded())
  }
}
