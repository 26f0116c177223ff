internal import Foundation
internal import RunHistory

/// A page on one run: what was trained, on what, how well and how to use it, then all the rest.
struct RunPage {
  let run: Report.Run
  let time: Date

  init(_ run: Report.Run, time: Date) { (self.run, self.time) = (run, time) }

  private var record: RunRecord { run.record }
  private var state: RunState { record.state(at: time) }

  var html: HTML {
    """
    <header>
    <p class="eyebrow">peqa training run</p>
    <h1>\(record.name) \(Block.badge(state))</h1>
    <p class="lead">\(RunSummary(record, state).sentence)</p>
    \(RunInterruption(record, state).html.orNothing)
    </header>
    \(RunTiles(record).html)
    \(RunUse(record, state).html.orNothing)
    \(sections)
    """
  }

  /// All but the head.
  var sections: HTML {
    let charts = RunCharts(record)
    let parts: [HTML?] = [
      Block.section(
        "How it went", [charts.loss, HTML.grid(charts.small), charts.evaluations],
        note: charts.note),
      Block.section("Before and after", [SampleCards([run]).html], note: SampleCards.note),
      Block.section(
        "Tasks", [TaskTable([run]).html, TaskCharts([run]).html], note: TaskTable.note),
      MovementPart(run.findings.movement).html,
      DataPart(record).html,
      AttemptPart(record, time: time).html,
      Block.section("Settings and origin", [RunOrigin(record).html]),
    ]
    return parts.compactMap { $0 }.joined()
  }
}

extension HTML {
  /// Small drawings side by side; nil for none.
  static func grid(_ parts: [HTML]) -> HTML? {
    parts.isEmpty ? nil : "<div class=\"grid\">\n\(parts.joined())\n</div>"
  }
}
