internal import Reporting
package import RunHistory

/// What is new in a run since it was last looked at: a line for each step and evaluation, for where
/// there is no terminal.
package struct WatchLines {
  private var lastStep: Int?
  private var lastEvaluation: Int?

  package init() {}

  /// At the first look, the newest step alone.
  package mutating func new(in record: RunRecord) -> [String] {
    let total = record.totalSteps.map { "/\($0)" } ?? ""
    var lines: [(step: Int, text: String)] = []
    for point in Self.new(record.metrics[.loss], since: lastStep) {
      lines.append(
        (point.step, "step \(point.step)\(total)  loss \(fixed(point.value, digits: 4))"))
    }
    for point in Self.new(record.metrics[.evalLoss], since: lastEvaluation) {
      let text = "step \(point.step)\(total)  eval_loss \(fixed(point.value, digits: 4))"
      lines.append((point.step, text))
    }
    lastStep = record.metrics.last(.loss)?.step ?? lastStep
    lastEvaluation = record.metrics.last(.evalLoss)?.step ?? lastEvaluation
    // Sorted by step; a step's loss before its evaluation, as they were added.
    var texts = lines.enumerated().sorted {
      ($0.element.step, $0.offset) < ($1.element.step, $1.offset)
    }.map(\.element.text)
    if let left = record.secondsLeft, !texts.isEmpty {
      texts[texts.count - 1] += "  left \(durationText(left))"
    }
    return texts
  }

  /// A run that has gone back to a checkpoint repeats steps.
  private static func new(_ points: [MetricPoint], since step: Int?) -> [MetricPoint] {
    guard let step, let last = points.last else { return points.suffix(1) }
    return last.step < step ? [last] : points.filter { $0.step > step }
  }
}
