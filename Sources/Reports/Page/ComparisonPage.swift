internal import Foundation
internal import RunHistory

/// A page on several runs: their curves over each other, and what differs in their settings.
struct ComparisonPage {
  private let runs: [Report.Run]
  private let time: Date

  init(_ runs: [Report.Run], time: Date) { (self.runs, self.time) = (runs, time) }

  var html: HTML {
    let parts: [HTML?] = [
      Block.section("Results", [table.html]),
      Block.section("How they went", [heldOut, training, HTML.grid(small)]),
      Block.section("Settings that differ", [differences], note: "All others are the same."),
      Block.section("Before and after", [SampleCards(runs).html], note: SampleCards.note),
      Block.section("Tasks", [TaskTable(runs).html, TaskCharts(runs).html], note: TaskTable.note),
      Block.section("Each run by itself", runs.map(single)),
    ]
    return """
      <header>
      <p class="eyebrow">peqa training runs</p>
      <h1>\(runs.count) runs side by side</h1>
      <p class="lead">\(lead)</p>
      </header>
      \(parts.compactMap { $0 }.joined())
      """
  }

  /// Runs from the ninth on share colours.
  static func color(_ index: Int) -> Int { index % 8 + 1 }

  private func key(_ index: Int) -> HTML {
    .key(runs[index].name, color: Self.color(index))
  }

  private var lead: HTML {
    let best = runs.indices.compactMap { index in
      runs[index].record.metrics.bestEvaluation.map { (index, $0) }
    }.min { $0.1.value < $1.1.value }
    guard let (index, point) = best else {
      return "None of them was evaluated on held-out data: compare training losses with care."
    }
    return """
      \(key(index)) is the best on held-out data: loss \(Figures.short(point.value, digits: 4)) \
      at step \(Figures.count(point.step)).
      """
  }

  private var table: Table {
    let rows = runs.indices.map { index -> [HTML] in
      let record = runs[index].record
      let metrics = record.metrics
      let speeds = metrics[.tokensPerSecond].map(\.value).sorted()
      let loss = metrics[.loss]
      let smooth = Curve.smoothed(loss).last
      return [
        key(index), Block.badge(record.state(at: time)),
        "\(metrics.lastStep.map { Figures.count($0) } ?? "-")",
        "\(metrics.bestEvaluation.map { Figures.exact($0.value, 4) } ?? "-")",
        "\(smooth.map { Figures.exact($0.value, 4) } ?? "-")",
        "\(speeds.isEmpty ? "-" : Figures.short(speeds[speeds.count / 2]))",
        "\(metrics.last(.runtime).map { Figures.duration($0.value) } ?? "-")",
      ]
    }
    return Table(
      columns: [
        ("run", .left), ("state", .left), ("steps", .right), ("held-out loss", .right),
        ("training loss", .right), ("tokens/s", .right), ("time", .right),
      ], rows: rows)
  }

  private var heldOut: HTML? {
    chart("Held-out loss", "nats per token", isLarge: true, style: .dots) { $0[.evalLoss] }
  }

  private var training: HTML? {
    chart("Training loss", "nats per token, running means", isLarge: true) {
      Curve.smoothed($0[.loss])
    }
  }

  private var small: [HTML] {
    let charts = [
      chart("Learning rate", "", fromZero: true) { $0[.learningRate] },
      chart("Gradient norm", "running means") {
        Curve.smoothed($0[.gradientNorm])
      },
      chart("Drift of the scales", "RMS of what was learnt", fromZero: true) { $0[.scaleDrift] },
      chart("Speed", "tokens/s, running means", fromZero: true) {
        Curve.smoothed($0[.tokensPerSecond])
      },
    ]
    return charts.compactMap { $0 }
  }

  /// Small ones have the colours of the large ones, which have the names.
  private func chart(
    _ title: String, _ unit: String, fromZero: Bool = false, isLarge: Bool = false,
    style: LineChart.Line.Style = .plain, _ points: (RunMetrics) -> [MetricPoint]
  ) -> HTML? {
    let lines = runs.indices.map { index in
      LineChart.Line(
        name: isLarge ? runs[index].name : "", points: points(runs[index].record.metrics),
        style: style,
        color: Self.color(index))
    }
    return LineChart(
      title: title, unit: unit, lines: lines, fromZero: fromZero, isLarge: isLarge
    ).html
  }

  private var differences: HTML? {
    let found = RunSettings.differences(runs.map(\.record.settings))
    guard !found.isEmpty else { return nil }
    let rows = found.map { key, values in
      ["<code>\(key)</code>"] + values.map { "<code>\($0 ?? "-")</code>" as HTML }
    }
    return Table(
      columns: [(heading: "key", alignment: .left)]
        + runs.indices.map { (heading: key($0), alignment: .left) }, rows: rows
    ).html
  }

  private func single(_ run: Report.Run) -> HTML {
    let state = run.record.state(at: time)
    return Block.details(
      run.name,
      """
      <p class="lead">\(RunSummary(run.record, state).sentence)</p>
      \(RunInterruption(run.record, state).html.orNothing)
      \(RunPage(run, time: time).sections)
      """, isRun: true)
  }
}
