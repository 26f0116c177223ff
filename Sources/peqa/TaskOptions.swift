internal import ArgumentParser
internal import Collectives
internal import Evaluation
internal import Foundation
internal import Reporting

/// Evaluation on tasks, as `peqa eval` takes it.
struct TaskOptions: ParsableArguments {
  @Option(
    name: .customLong("tasks"),
    help: ArgumentHelp(
      "Tasks to evaluate: names, TASK/PART or files of your own, with commas between.",
      discussion: "Known: \(TaskDefinition.shippedNames)."))
  var names: String?

  @Option(
    parsing: .unconditional,
    help: "Examples before each item. (default: what the task says, mostly none)")
  var numFewshot: Int?

  @Option(parsing: .unconditional, help: "Only the first N items of each task or part.")
  var limit: Int?

  @Option(help: "Folder with the data of the tasks. (default: .)")
  var dataDir: String?

  @Option(
    name: .customLong("output"),
    help: "Folder for samples_TASK.jsonl: every item with its prompts and scores.")
  var samples: String?

  /// Tokens of a long prompt; models may take many more, which tasks never reach.
  static let usualLength = 4096

  var isWanted: Bool { names != nil }

  private var list: [String] {
    (names ?? "").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
  }

  func validate() throws {
    if !isWanted, numFewshot != nil || limit != nil || dataDir != nil || samples != nil {
      throw ValidationError("--num-fewshot, --limit, --data-dir and --output need --tasks.")
    }
    if isWanted, list.isEmpty { throw ValidationError("--tasks names no task.") }
    if let numFewshot, !(0...1000).contains(numFewshot) {
      throw ValidationError("--num-fewshot must be from 0 to 1000.")
    }
    if let limit, limit < 1 { throw ValidationError("--limit must be at least 1.") }
  }

  /// Reads the data, evaluates, and writes samples where they are wanted.
  func run(
    _ evaluation: TaskEvaluation, _ rank: RankContext, isStopped: @escaping () -> Bool
  ) throws -> TaskReport {
    var sets: [TaskSet] = []
    try rank.agree {
      sets = try TaskSet.load(
        list, from: TaskData(folder: dataDir ?? "."), shots: numFewshot, limit: limit)
      // A folder that cannot be is known before the work is done.
      if rank.communicator.rank == 0, let samples { try TaskReport.makeFolder(samples) }
    }
    let total = sets.reduce(0) { $0 + $1.itemCount }
    let line = ProgressLine(rank.console, "evaluating", total: total)
    let report = try evaluation.run(
      sets, on: rank.communicator,
      progress: { line.update($0.done, $0.task) }, isStopped: isStopped)
    try rank.agree {
      if rank.communicator.rank == 0, let samples { try report.writeSamples(to: samples) }
    }
    return report
  }

  /// A line for each metric; parts where there are several.
  func show(_ report: TaskReport, _ console: Console) {
    var table = TextTable(
      ("task", .left), ("split", .left), ("shots", .right), ("n", .right), ("metric", .left),
      ("value", .right), ("stderr", .right))
    func add(
      _ name: String, _ task: TaskReport.Task, _ count: Int, _ metrics: [TaskReport.Metric]
    ) {
      for (index, metric) in metrics.enumerated() {
        let place = [name, task.split.rawValue, "\(task.shots)", "\(count)"]
        let shown = index == 0 ? place : ["", "", "", ""]
        table.add(
          shown[0], shown[1], shown[2], shown[3], metric.metric.rawValue,
          fixed(metric.result.value, digits: 4),
          metric.result.error.map { fixed($0, digits: 4) } ?? "")
      }
    }
    for task in report.tasks {
      add(task.name, task, task.count, task.metrics)
      guard task.parts.count > 1 else { continue }
      for part in task.parts { add("  \(part.name)", task, part.samples.count, part.metrics) }
    }
    if report.tasks.count > 1 {
      for mean in report.means {
        table.add("mean", "", "", "", mean.metric.rawValue, fixed(mean.value, digits: 4))
      }
    }
    for line in table.lines { console.result(line) }
  }
}
