/// Counts over ranges of whole numbers.
struct BarChart {
  struct Bar {
    var range: ClosedRange<Int>
    var count: Int
  }

  var title: String
  var unit: String
  var bars: [Bar]
  /// What is counted.
  var noun: String

  /// Nil where there is nothing to draw.
  var html: HTML? {
    guard let least = bars.map(\.range.lowerBound).min(),
      let greatest = bars.map(\.range.upperBound).max()
    else { return nil }
    let x = Axis(exactly: Double(least - 1)...Double(greatest))
    let y = Axis(around: bars.map { Double($0.count) }, fromZero: true, count: 3)
    let frame = PlotFrame(
      left: y.ticks.map { .init(place: y.y($0), text: Figures.short($0, digits: 4)) },
      bottom: x.ticks.map { .init(place: x.x($0), text: Figures.count(Int($0))) },
      description: title,
      drawing: ([y.grid] + bars.map { bar($0, x, y) }).joined(""))
    return .figure(title, unit: unit, frame)
  }

  private func bar(_ bar: Bar, _ x: Axis, _ y: Axis) -> HTML {
    let (left, right) = (
      x.x(Double(bar.range.lowerBound - 1)), x.x(Double(bar.range.upperBound))
    )
    let top = y.y(Double(bar.count))
    let gap = max(1, (right - left) / 12)
    return """
      <rect class="bar" x="\(left + gap)" y="\(top)" width="\(max(1, right - left - 2 * gap))" \
      height="\(1000 - top)"><title>\(bar.range.lowerBound) to \(bar.range.upperBound): \
      \(Figures.count(bar.count, noun))</title></rect>
      """
  }
}
