internal import Checkpoints
package import JSONText
internal import Reporting
package import Training

/// What a sweep has found.
package struct SweepResults {
  package struct Setting: Sendable {
    /// What varies, but for the seed.
    package var values: [SweepValue]
    package var runs: [Run]
    /// Mean over its runs, at the last step that all of them have reached.
    package var score: Double?
    /// Least and greatest of its runs.
    package var spread: ClosedRange<Double>?
    /// Last step of its runs.
    package var step: Int
    /// From 1 for those that were trained to the end; nil for the others.
    package var rank: Int?
    /// `trained`, `ended at 20`, `failed`.
    package var state: String
  }

  package struct Run: Sendable {
    package var name: String
    package var values: [SweepValue]
    package var step: Int
    package var score: Double?
    package var folder: String
    package var failure: String?
  }

  package let metric: SweepSettings.Metric
  package let folder: String
  /// The best first, those that were not trained to the end last.
  package let settings: [Setting]
  /// The best run of the best setting.
  package let best: Run
  package let bestConfig: RunConfig
}

extension Sweep {
  func results(ranked: [Int], ends: [String?]) -> SweepResults {
    let rest = plan.settings.indices.filter { !ranked.contains($0) }
    var settings = ranked.enumerated().map { place, setting in
      self.setting(setting, rank: place + 1, state: "trained")
    }
    settings += rest.map { setting($0, rank: nil, state: ends[$0] ?? "failed") }.sorted {
      ($0.step, -($0.score ?? .infinity)) > ($1.step, -($1.score ?? .infinity))
    }
    let winners = plan.settings[ranked[0]]
    let best =
      winners.min {
        (score(ofRun: $0) ?? .infinity) < (score(ofRun: $1) ?? .infinity)
      } ?? winners[0]
    return SweepResults(
      metric: plan.metric, folder: folder.path, settings: settings, best: run(best),
      bestConfig: plan.runs[best].config)
  }

  private func score(ofRun number: Int) -> Double? {
    let standing = standing(number)
    return standing.score(plan.metric, at: standing.isFinished ? nil : standing.step)
  }

  private func run(_ number: Int) -> SweepResults.Run {
    let run = plan.runs[number]
    return .init(
      name: run.name, values: run.values, step: standing(number).step, score: score(ofRun: number),
      folder: run.config.outputDirectory, failure: folder.failures[run.name]?.message)
  }

  private func setting(_ number: Int, rank: Int?, state: String) -> SweepResults.Setting {
    let runs = plan.settings[number].map(run)
    let scores = runs.compactMap(\.score)
    var spread: ClosedRange<Double>?
    if let least = scores.min(), let most = scores.max() { spread = least...most }
    return .init(
      values: (runs.first?.values ?? []).filter { $0.key != "seed" }, runs: runs,
      score: scores.count == runs.count ? scores.reduce(0, +) / Double(scores.count) : nil,
      spread: spread, step: runs.map(\.step).min() ?? 0, rank: rank, state: state)
  }
}

extension SweepResults {
  /// Writes `sweep.json` and `best.yaml`.
  package func write() throws {
    var config = bestConfig
    config.outputDirectory = "\(folder)/best"
    let head =
      "# The best run of a sweep, \(best.name): \(best.values.label)\n# Its adapter is in \(best.folder).\n"
    try AtomicFile.write(head + config.yaml, to: "\(folder)/best.yaml")
    try AtomicFile.write(json.text(indent: 2) + "\n", to: "\(folder)/sweep.json")
  }

  package var json: JSONValue {
    [
      "metric": .string(metric.rawValue), "best": best.json,
      "settings": .array(settings.map(\.json)),
    ]
  }

  /// A line a setting.
  package var lines: [String] {
    var table = TextTable(
      ("", .right), ("setting", .left), (metric.rawValue, .right), ("runs", .right),
      ("least to greatest", .left), ("step", .right), ("", .left))
    for setting in settings {
      let spread = setting.spread.map {
        "\(fixed($0.lowerBound, digits: 4)) to \(fixed($0.upperBound, digits: 4))"
      }
      table.add(
        setting.rank.map(String.init) ?? "",
        setting.values.label,
        setting.score.map { fixed($0, digits: 4) } ?? "-", "\(setting.runs.count)",
        setting.runs.count > 1 ? spread ?? "" : "", "\(setting.step)", setting.state)
    }
    return table.lines
  }
}

extension SweepResults.Run {
  var json: JSONValue {
    [
      "name": .string(name), "values": values.json, "step": .integer(step),
      "score": score.map { .real($0) } ?? .null, "output_dir": .string(folder),
      "failure": failure.map { .string($0) } ?? .null,
    ]
  }
}

extension SweepResults.Setting {
  var json: JSONValue {
    [
      "values": values.json, "state": .string(state),
      "rank": rank.map { .integer($0) } ?? .null, "score": score.map { .real($0) } ?? .null,
      "step": .integer(step), "runs": .array(runs.map(\.json)),
    ]
  }
}
