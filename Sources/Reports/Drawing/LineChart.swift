internal import Foundation
internal import RunHistory

/// Curves over steps.
struct LineChart {
  /// One curve and how it is drawn.
  struct Line {
    enum Style: String { case faint, plain, strong, dots }

    /// For the legend; empty for none.
    var name: String
    var points: [MetricPoint]
    /// Standard errors of the points, or none.
    var errors: [Double] = []
    var style = Style.plain
    /// 1 to 8.
    var color = 1

    /// Values and the ends of their errors.
    var reach: [Double] {
      let values = points.map(\.value)
      return errors.isEmpty
        ? values : zip(values, errors).flatMap { [$0 - $1, $0 + $1] }
    }
  }

  var title: String
  var unit = ""
  var lines: [Line]
  var fromZero = false
  /// Steps of checkpoints, and of restarts with what is to be said of them.
  var checkpoints: [Int] = []
  var restarts: [(step: Int, text: String)] = []
  var isLarge = false
  /// Divides values for the axis, such as 0.01 for percent.
  var scale = 1.0

  /// Numbers that no honest curve has would leave no room for the others.
  private static let largest = 1e30
  private var drawn: [Line] {
    lines.compactMap { line in
      var line = line
      let kept = line.points.indices.filter { abs(line.points[$0].value) <= Self.largest }
      line.errors = line.errors.isEmpty ? [] : kept.map { min(line.errors[$0], Self.largest) }
      line.points = kept.map { line.points[$0] }
      return line.points.isEmpty ? nil : line
    }
  }
  private var buckets: Int { isLarge ? 450 : 220 }

  /// Nil where there is nothing to draw.
  var html: HTML? {
    guard !drawn.isEmpty else { return nil }
    let steps = drawn.flatMap { [$0.points[0].step, $0.points[$0.points.count - 1].step] }
    let first = Double(steps.min() ?? 0)
    let x = Axis(exactly: first...Double(steps.max() ?? 0))
    let y = Axis(
      around: drawn.lazy.flatMap(\.reach).map { $0 / scale }, fromZero: fromZero,
      count: isLarge ? 5 : 3)
    return .figure(
      title, unit: unit, legend: legend, kind: isLarge ? "large" : "", frame(x, y))
  }

  private var legend: HTML {
    let keys = drawn.filter { !$0.name.isEmpty }.map { line in
      HTML.key(line.name, color: line.color, line.style)
    }
    let marks: [HTML] =
      (checkpoints.isEmpty ? [] : ["<span class=\"key checkpoint\">checkpoint</span>"])
      + (restarts.isEmpty ? [] : ["<span class=\"key restart\">restart</span>"])
    let all = keys.count + marks.count > 1 || lines.count > 1 ? keys + marks : marks
    return all.isEmpty ? "" : "<span class=\"legend\">\(all.joined(" "))</span>"
  }

  private func frame(_ x: Axis, _ y: Axis) -> PlotFrame {
    let parts: [HTML] =
      [y.grid] + restarts.compactMap { restart($0, x) } + drawn.map { path($0, x, y) }
      + [checkpointMarks(x)] + (isLarge ? bands(x) : [])
    return PlotFrame(
      left: y.ticks.map { .init(place: y.y($0), text: text($0, y)) },
      bottom: x.ticks.map { .init(place: x.x($0), text: Self.step($0)) },
      description: description, drawing: parts.joined(""))
  }

  private var description: String {
    let parts = drawn.map { line in
      let (first, last) = (line.points[0], line.points[line.points.count - 1])
      return
        "\(line.name.isEmpty ? title : line.name): \(Figures.short(first.value / scale)) at step "
        + "\(first.step), \(Figures.short(last.value / scale)) at step \(last.step)"
    }
    return "\(title) over steps. \(parts.joined(separator: "; "))"
  }

  private func text(_ tick: Double, _ axis: Axis) -> String {
    if axis.decimals > 4 { return tick == 0 ? "0" : Figures.short(tick, digits: 2) }
    if axis.decimals == 0 {
      return abs(tick) < 1e6 ? Figures.count(Int(tick.rounded())) : Figures.short(tick)
    }
    return Figures.exact(tick, axis.decimals)
  }

  /// `250`, `12k`, `1.5M`.
  private static func step(_ step: Double) -> String {
    switch step {
    case ..<10_000: Figures.count(Int(step))
    case ..<1_000_000: Figures.short(step / 1000, digits: 4) + "k"
    default: Figures.short(step / 1_000_000, digits: 4) + "M"
    }
  }

  // MARK: Parts of the drawing

  private func path(_ line: Line, _ x: Axis, _ y: Axis) -> HTML {
    let points = Curve.thinned(line.points, buckets: buckets).map {
      (x: x.x(Double($0.step)), y: y.y($0.value / scale))
    }
    let course = points.enumerated().map { index, point in
      "\(index == 0 ? "M" : index == 1 ? "L" : " ")\(point.x) \(point.y)"
    }.joined()
    let shape: HTML =
      "<path class=\"line c\(line.color) \(line.style.rawValue)\" d=\"\(course)\"/>"
    guard points.count == 1 || line.style == .dots, points.count <= 200 else { return shape }
    let dots = points.map { "M\($0.x) \($0.y)h0" }.joined()
    return "\(errors(line, x, y))\(shape)<path class=\"dot c\(line.color)\" d=\"\(dots)\"/>"
  }

  /// Lines of one standard error to each side.
  private func errors(_ line: Line, _ x: Axis, _ y: Axis) -> HTML {
    guard !line.errors.isEmpty else { return "" }
    let course = zip(line.points, line.errors).map { point, error -> String in
      let ends = [point.value + error, point.value - error].map { y.y($0 / scale) }
      return "M\(x.x(Double(point.step))) \(ends[0])V\(ends[1])"
    }.joined()
    return "<path class=\"line c\(line.color)\" d=\"\(course)\"/>"
  }

  private func checkpointMarks(_ x: Axis) -> HTML {
    let shown = checkpoints.filter { (0...1).contains(x.share(Double($0))) }
    guard !shown.isEmpty else { return "" }
    // Too many to be told apart: as many as can be.
    let each = max(1, shown.count / 200)
    let marks = shown.enumerated().filter { $0.offset % each == 0 }.map {
      "M\(x.x(Double($0.element))) 1000v-40"
    }
    return "<path class=\"checkpoint\" d=\"\(marks.joined())\"/>"
  }

  private func restart(_ restart: (step: Int, text: String), _ x: Axis) -> HTML? {
    guard (0...1).contains(x.share(Double(restart.step))) else { return nil }
    return """
      <path class="restart" d="M\(x.x(Double(restart.step))) 0v1000">\
      <title>\(restart.text)</title></path>
      """
  }

  /// Bands that say their numbers under the pointer.
  private func bands(_ x: Axis) -> [HTML] {
    let lines = drawn.filter { $0.style != .faint || drawn.count == 1 }
    let longest = lines.map(\.points).max { $0.count < $1.count } ?? []
    let number = min(80, longest.count)
    guard number > 1 else { return [] }
    return (0..<number).map { band in
      let point = longest[band * (longest.count - 1) / (number - 1)]
      let values = lines.compactMap { line in
        Self.value(of: line.points, at: point.step).map {
          "\(line.name.isEmpty ? title : line.name) \(Figures.short($0 / scale, digits: 4))"
        }
      }
      let place = x.x(Double(point.step))
      let width = 1000 / number + 1
      return """
        <rect class="band" x="\(place - width / 2)" y="0" width="\(width)" height="1000">\
        <title>step \(Figures.count(point.step)): \(values.joined(separator: ", "))</title></rect>
        """
    }
  }

  /// The newest value at or before a step.
  private static func value(of points: [MetricPoint], at step: Int) -> Double? {
    var (low, high) = (0, points.count)
    while low < high {
      let middle = (low + high) / 2
      if points[middle].step <= step { low = middle + 1 } else { high = middle }
    }
    return low > 0 ? points[low - 1].value : nil
  }
}
