internal import RunHistory

/// The curves of one run.
struct RunCharts {
  private let record: RunRecord
  private var metrics: RunMetrics { record.metrics }

  init(_ record: RunRecord) { self.record = record }

  /// How to read them.
  var note: String {
    Self.isSmoothed(metrics[.loss])
      ? "Faint lines are single steps, strong ones their running means." : ""
  }

  var loss: HTML? {
    var lines = Self.withMean(metrics[.loss], name: "training", color: 1)
    lines.append(
      .init(name: "held-out data", points: metrics[.evalLoss], style: .dots, color: 2))
    return LineChart(
      title: "Loss", unit: "nats per token", lines: lines, checkpoints: record.checkpoints,
      restarts: restarts, isLarge: true
    ).html
  }

  /// Every evaluation; the best one is marked.
  var evaluations: HTML? {
    let points = metrics[.evalLoss]
    guard points.count > 1 else { return nil }
    let best = metrics.bestEvaluation
    let perplexity = metrics[.perplexity]
    let rows = points.suffix(200).map { point -> [HTML] in
      let other = perplexity.last { $0.step == point.step }?.value
      let loss: HTML = "\(Figures.exact(point.value, 4))"
      return [
        "\(Figures.count(point.step))", point == best ? "<b>\(loss)</b>" : loss,
        "\(other.map { Figures.exact($0, 3) } ?? "-")", point == best ? "best" : "",
      ]
    }
    let table = Table(
      columns: [("step", .right), ("loss", .right), ("perplexity", .right), ("", .left)],
      rows: rows)
    return Block.details("All \(points.count) evaluations", table.html)
  }

  /// Everything else that has a course, small.
  var small: [HTML] { (optimizer + machine + teacher).compactMap(\.html) }

  private var optimizer: [LineChart] {
    [
      LineChart(
        title: "Learning rate", lines: [.init(name: "", points: metrics[.learningRate])],
        fromZero: true),
      LineChart(title: "Gradient norm", unit: "before clipping", lines: mean(.gradientNorm)),
      LineChart(
        title: "Drift of the scales", unit: "RMS of what was learnt",
        lines: [.init(name: "", points: metrics[.scaleDrift])], fromZero: true),
    ]
  }

  private var machine: [LineChart] { common + (isShared ? ranks : [alone]) }

  /// Several ranks worked on it, at least for a time.
  private var isShared: Bool { record.lives.contains { $0.ranks > 1 } }

  private var common: [LineChart] {
    [
      LineChart(title: "Speed", unit: "tokens/s", lines: mean(.tokensPerSecond), fromZero: true),
      LineChart(
        title: "Memory of rank 0", unit: "GB",
        lines: [
          .init(name: "private", points: metrics[.privateGigabytes]),
          .init(name: "shared", points: metrics[.sharedGigabytes], color: 3),
        ], fromZero: true),
    ]
  }

  private var alone: LineChart {
    LineChart(title: "Time of a step", unit: "s", lines: mean(.stepTime), fromZero: true)
  }

  private var ranks: [LineChart] {
    let share = Curve.ratio(metrics[.communicationTime], metrics[.stepTime])
    return [
      LineChart(
        title: "Share of communication", unit: "% of the step, waiting included",
        lines: Self.withMean(share, name: "", color: 1), fromZero: true, scale: 0.01),
      LineChart(
        title: "Computing time of ranks", unit: "s a step",
        lines: [
          .init(name: "slowest", points: metrics[.slowestRank], color: 2),
          .init(name: "fastest", points: metrics[.fastestRank], color: 1),
        ], fromZero: true),
    ]
  }

  private var teacher: [LineChart] {
    [
      LineChart(
        title: "Divergence from the teacher", unit: "nats per token", lines: mean(.divergence)),
      LineChart(title: "Loss on the data", unit: "nats per token", lines: mean(.taskLoss)),
      LineChart(title: "Difference of streams", lines: mean(.hiddenLoss)),
    ]
  }

  private func mean(_ key: MetricKey) -> [LineChart.Line] {
    Self.withMean(metrics[key], name: "", color: 1)
  }

  /// The points faintly and their running mean; few points as they are.
  static func withMean(
    _ points: [MetricPoint], name: String, color: Int
  ) -> [LineChart.Line] {
    guard isSmoothed(points) else { return [.init(name: name, points: points, color: color)] }
    let smooth = Curve.smoothed(points)
    return [
      .init(name: "", points: points, style: .faint, color: color),
      .init(name: name, points: smooth, style: .strong, color: color),
    ]
  }

  private static func isSmoothed(_ points: [MetricPoint]) -> Bool { points.count >= 20 }

  private var restarts: [(step: Int, text: String)] {
    record.lives.indices.dropFirst().map { index in
      let life = record.lives[index]
      let cause = AttemptPart.cause(of: index - 1, in: record)
      return (
        life.firstStep, "started again at step \(Figures.count(life.firstStep)): \(cause)"
      )
    }
  }
}
