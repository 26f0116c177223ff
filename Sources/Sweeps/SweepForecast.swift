internal import Checkpoints
internal import Foundation
package import JSONText
internal import Reporting
internal import Training

/// What a sweep will do, before anything of it is done.
package struct SweepForecast {
  private let plan: SweepPlan
  /// Steps of each run to its end; nil where that is not known.
  private let steps: [Int?]

  /// Asks the trainer how many sequences there are where a run's length depends on that, once for
  /// each way of preparing the data.
  package init(_ plan: SweepPlan, _ launcher: RunLauncher) {
    self.plan = plan
    var sequences: [String: Int?] = [:]
    steps = plan.runs.map { run in
      if let steps = run.config.maxSteps { return steps }
      let key = Self.dataKeys.map { run.config.plainValue(ofKey: $0) ?? "" }.joined(separator: "\n")
      if sequences[key] == nil, sequences.count < Self.mostQuestions {
        sequences[key] = .some(launcher.trainingSequences(run.config))
      }
      return (sequences[key] ?? nil).map { run.config.steps(sequences: $0) }
    }
  }

  /// Ways of preparing data that are tried.
  private static let mostQuestions = 8

  /// What decides into how many sequences the data is put.
  private static let dataKeys = [
    "model", "datasets", "eval_datasets", "val_set_size", "max_seq_length", "train_on_inputs",
    "excess_length_strategy", "chat_template", "packing", "seed",
  ]

  /// A rung: settings that come to it, and steps of all their runs from the rung before.
  private var rungs: [(step: Int?, settings: Int, steps: Int?)] {
    var (settings, before) = (plan.settings.count, 0)
    let perSetting = (plan.runs.count + plan.settings.count - 1) / max(1, plan.settings.count)
    return (plan.rungs.map { Int?.some($0) } + [nil]).map { step in
      let last = steps.contains(nil) ? step : steps.compactMap(\.self).max()
      let end = step.map { min($0, last ?? $0) } ?? last
      let runs = min(plan.runs.count, settings * perSetting)
      let all = end.flatMap { end -> Int? in
        let (product, isHuge) = max(0, end - before).multipliedReportingOverflow(by: runs)
        return isHuge ? nil : product
      }
      let rung = (step: step, settings: settings, steps: all)
      before = end ?? before
      settings = Halving.kept(of: settings, eta: plan.eta)
      return rung
    }
  }

  /// Nil where it is not known, or no number of this world.
  private var totalSteps: Int? {
    rungs.reduce(0) { sum, rung in
      guard let sum, let steps = rung.steps else { return nil }
      let (all, isHuge) = sum.addingReportingOverflow(steps)
      return isHuge ? nil : all
    }
  }

  package var text: String {
    var table = TextTable(("run", .left), ("steps", .right), ("settings", .left))
    for (run, steps) in zip(plan.runs, steps) {
      table.add(run.name, steps.map(String.init) ?? "?", run.label)
    }
    var lines = table.lines + ["", "\(plan.runs.count) runs, judged by \(plan.metric.rawValue)"]
    for rung in rungs {
      lines.append(
        "to \(rung.step.map { "step \($0)" } ?? "the end"): "
          + "\(counted(rung.settings, "setting")), \(rung.steps.map(String.init) ?? "?") steps")
    }
    if let all = totalSteps { lines.append("in all \(all) steps, at most") }
    return lines.joined(separator: "\n")
  }

  package var json: JSONValue {
    [
      "metric": .string(plan.metric.rawValue),
      "runs": .array(
        zip(plan.runs, steps).map { run, steps in
          .object(
            (run.json.members ?? []) + [
              .init(key: "steps", value: steps.map { .integer($0) } ?? .null)
            ])
        }),
      "rungs": .array(
        rungs.map {
          [
            "step": $0.step.map { .integer($0) } ?? .null, "settings": .integer($0.settings),
            "steps": $0.steps.map { .integer($0) } ?? .null,
          ]
        }),
    ]
  }
}

extension RunLauncher {
  /// Sequences that a run trains on, by `peqa train --dry-run`; nil where that cannot be told.
  fileprivate func trainingSequences(_ config: RunConfig) -> Int? {
    let folder = FileManager.default.temporaryDirectory.path + "/peqa-sweep-\(getpid())"
    defer { try? Folder.remove(folder) }
    let (file, answer) = ("\(folder)/run.yaml", "\(folder)/answer")
    do {
      try Folder.make(folder)
      try AtomicFile.write(config.yaml, to: file)
      let words = [program, "train", file, "--dry-run", "--json"]
      guard try run(words, output: answer, errors: "/dev/null") == 0 else { return nil }
      let json = try JSONValue(parsing: OpenFile.contents(of: answer))
      guard let count = json["data"]?["train"]?["sequences"]?.int, count > 0 else { return nil }
      return count
    } catch {
      return nil
    }
  }
}
