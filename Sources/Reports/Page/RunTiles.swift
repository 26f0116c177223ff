internal import RunHistory

/// How well it went, in a few large figures.
struct RunTiles {
  private let record: RunRecord
  private var metrics: RunMetrics { record.metrics }

  init(_ record: RunRecord) { self.record = record }

  var html: HTML {
    let tiles = [heldOut, perplexity, training, progress, speed, size].compactMap { $0 }
    return tiles.isEmpty ? "" : "<div class=\"tiles\">\n\(tiles.joined())\n</div>"
  }

  private var heldOut: HTML? {
    guard let best = metrics.bestEvaluation, let first = metrics[.evalLoss].first else {
      return nil
    }
    let change =
      first.step < best.step
      ? "from \(Figures.short(first.value, digits: 4)) at step \(Figures.count(first.step))"
      : "at step \(Figures.count(best.step))"
    return Block.tile(
      "Held-out loss", "\(Figures.short(best.value, digits: 4))",
      change + (first.step < best.step ? ", best at \(Figures.count(best.step))" : ""))
  }

  private var perplexity: HTML? {
    guard let best = metrics[.perplexity].min(by: { $0.value < $1.value }),
      let first = metrics[.perplexity].first
    else { return nil }
    let more =
      first.step < best.step ? "from \(Figures.short(first.value, digits: 4))" : "held-out data"
    return Block.tile("Perplexity", "\(Figures.short(best.value, digits: 4))", more)
  }

  /// Means of the first and the last twentieth: single steps scatter.
  private var training: HTML? {
    let points = metrics[.loss]
    guard points.count > 0 else { return nil }
    let part = max(1, min(points.count / 2, max(5, points.count / 20)))
    func mean(_ points: ArraySlice<MetricPoint>) -> Double {
      points.reduce(0) { $0 + $1.value } / Double(points.count)
    }
    return Block.tile(
      "Training loss", "\(Figures.short(mean(points.suffix(part)), digits: 4))",
      points.count > 1
        ? "from \(Figures.short(mean(points.prefix(part)), digits: 4)), means of "
          + Figures.count(part, "record")
        : "of one record")
  }

  private var progress: HTML? {
    guard let step = metrics.lastStep ?? record.results?.step else { return nil }
    let total = record.totalSteps
    let value: HTML =
      total.map {
        $0 > step ? "\(Figures.count(step)) <small>of \(Figures.count($0))</small>" : nil
      }
      .flatMap { $0 } ?? "\(Figures.count(step))"
    let end = record.results?.reason == .early ? "stopped early, " : ""
    let seconds = record.results?.runtime ?? metrics.last(.runtime)?.value
    return Block.tile("Steps", value, end + (seconds.map { "in " + Figures.duration($0) } ?? ""))
  }

  private var speed: HTML? {
    let speeds = metrics[.tokensPerSecond].map(\.value).sorted()
    guard !speeds.isEmpty else { return nil }
    let tokens = metrics.last(.inputTokens).map { Figures.count($0.value) + " tokens" }
    return Block.tile(
      "Speed", "\(Figures.short(speeds[speeds.count / 2])) <small>tokens/s</small>", tokens ?? "")
  }

  private var size: HTML? {
    guard let adapter = record.adapter, adapter.bytes > 0 else { return nil }
    return Block.tile(
      "Result", "\(Figures.bytes(adapter.bytes))",
      adapter.trainedNumbers > 0 ? Figures.count(adapter.trainedNumbers) + " numbers" : "adapter")
  }
}
