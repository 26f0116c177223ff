internal import RunHistory

/// Results on tasks, with their standard errors as bars.
struct TaskTable {
  static let note =
    "Lines reach one standard error to each side. What has a step was measured while it trained."

  private let runs: [Report.Run]

  init(_ runs: [Report.Run]) { self.runs = runs }

  private struct Entry {
    var name: String
    var color: Int
    var value: TaskResults.Value
  }

  var html: HTML? {
    let entries = runs.enumerated().flatMap { ofFiles($1, index: $0) + ofTraining($1, index: $0) }
    var keys: [String] = []
    for entry in entries where !keys.contains(Self.key(entry.value)) {
      keys.append(Self.key(entry.value))
    }
    guard !keys.isEmpty else { return nil }
    let rows = keys.flatMap { key in
      let own = entries.filter { Self.key($0.value) == key }
      return own.enumerated().map { row($0.element, isFirst: $0.offset == 0, among: own) }
    }
    return Table(
      columns: [
        ("task", .left), ("metric", .left), ("model", .left), ("items", .right),
        ("value", .right), ("", .left),
      ], rows: rows
    ).html
  }

  private func ofFiles(_ run: Report.Run, index: Int) -> [Entry] {
    run.findings.tasks.flatMap { results in
      results.values.map { value in
        Entry(
          name: results.adapter == nil ? "base" : runs.count == 1 ? "tuned" : run.name,
          color: results.adapter == nil ? Self.baseColor : ComparisonPage.color(index), value: value
        )
      }
    }
  }

  /// The last scores, and before them those of step 0, which are the base's.
  private func ofTraining(_ run: Report.Run, index: Int) -> [Entry] {
    run.record.metrics.tasks.flatMap { curve -> [Entry] in
      let ends = curve.points.count > 1 ? [curve.points[0]] : []
      return (ends.filter { $0.step == 0 } + curve.points.suffix(1)).map { point in
        let step = "step \(Figures.count(point.step))"
        return Entry(
          name: runs.count == 1 ? step : "\(run.name), \(step)",
          color: point.step == 0 ? Self.baseColor : ComparisonPage.color(index),
          value: .init(
            task: curve.task, metric: curve.metric, value: point.value, error: point.error))
      }
    }
  }

  private static let baseColor = 8

  private static func key(_ value: TaskResults.Value) -> String { "\(value.task) \(value.metric)" }

  private func row(_ entry: Entry, isFirst: Bool, among others: [Entry]) -> [HTML] {
    let value = entry.value
    let error = value.error.map { " \u{00B1} \(Figures.short($0, digits: 2))" } ?? ""
    return [
      isFirst ? "<b>\(value.task)</b>" : "", isFirst ? "\(value.metric)" : "",
      .key(entry.name, color: entry.color),
      "\(value.count.map { Figures.count($0) } ?? "-")",
      "\(Figures.exact(value.value, 4))<span class=\"unit\">\(error)</span>",
      bar(entry, among: others),
    ]
  }

  /// A dot with a line to both sides, over the range of all models on this task.
  private func bar(_ entry: Entry, among others: [Entry]) -> HTML {
    let ends = others.flatMap {
      [$0.value.value - ($0.value.error ?? 0), $0.value.value + ($0.value.error ?? 0)]
    }
    let axis = Axis(around: ends.filter { abs($0) < 1e30 }, count: 3)
    let (value, error) = (entry.value.value, entry.value.error ?? 0)
    guard abs(value) < 1e30, error < 1e30 else { return "" }
    let (left, right) = (axis.x(value - error), axis.x(value + error))
    return """
      <svg class="whisker" viewBox="0 0 1000 1000" preserveAspectRatio="none" aria-hidden="true">\
      <path class="grid" d="M0 500h1000"/>\
      <path class="line c\(entry.color)" d="M\(left) 500H\(right)"/>\
      <path class="dot c\(entry.color)" d="M\(axis.x(value)) 500h0"/></svg>
      """
  }
}
