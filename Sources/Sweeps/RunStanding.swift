package import RunHistory

/// How far a run of a sweep has come, by what its own folder says.
package struct RunStanding: Sendable, Equatable {
  package var isFinished = false
  /// Of the newest checkpoint; 0 without one. Of a finished run, its last step.
  package var step = 0
  /// Means over held-out data, by rising step.
  package var evaluations: [MetricPoint] = []
  /// Means over training data, by rising step.
  package var losses: [MetricPoint] = []
  /// Of the adapter that a finished run has left, where that is the best and not the last.
  package var bestEvaluation: Double?

  package init() {}
}

extension RunStanding {
  /// What a run is judged by at a step, or at its end; nil where it has not come so far.
  package func score(_ metric: SweepSettings.Metric, at target: Int?) -> Double? {
    let isThere = isFinished || target.map { step >= $0 } ?? false
    guard isThere else { return nil }
    // A run that ended before the step is judged by what it ended with.
    let last = target.map { isFinished ? min($0, step) : $0 } ?? step
    switch metric {
    case .evalLoss:
      if last == step, isFinished, let bestEvaluation { return bestEvaluation }
      return evaluations.last { $0.step == last }?.value
        ?? (isFinished && last == step ? evaluations.last?.value : nil)
    case .trainLoss:
      let recent = losses.filter { $0.step <= last && 4 * ($0.step - 1) >= 3 * (last - 1) }
      guard !recent.isEmpty else { return losses.last { $0.step <= last }?.value }
      return recent.reduce(0) { $0 + $1.value } / Double(recent.count)
    }
  }
}
