internal import RunHistory

/// Scores on tasks over steps, of what was measured more than once while a run trained.
struct TaskCharts {
  private let runs: [Report.Run]

  init(_ runs: [Report.Run]) { self.runs = runs }

  /// More would make a page that nobody reads; the table has all.
  private static let mostCharts = 24

  private struct Key: Hashable {
    var task: String
    var metric: String
  }

  var html: HTML? {
    var keys: [Key] = []
    for curve in runs.flatMap(\.record.metrics.tasks) where curve.points.count > 1 {
      let key = Key(task: curve.task, metric: curve.metric)
      if !keys.contains(key) { keys.append(key) }
    }
    return HTML.grid(keys.prefix(Self.mostCharts).compactMap { chart($0).html })
  }

  private func chart(_ key: Key) -> LineChart {
    let lines = runs.enumerated().compactMap { index, run in
      run.record.metrics.tasks.first { $0.task == key.task && $0.metric == key.metric }.map {
        line($0, run, color: runs.count == 1 ? 1 : ComparisonPage.color(index))
      }
    }
    return LineChart(title: key.task, unit: key.metric, lines: lines)
  }

  private func line(_ curve: TaskCurve, _ run: Report.Run, color: Int) -> LineChart.Line {
    LineChart.Line(
      name: runs.count == 1 ? "" : run.name,
      points: curve.points.map { .init(step: $0.step, value: $0.value) },
      errors: curve.points.map { $0.error ?? 0 }, style: .dots, color: color)
  }
}
