internal import JSONText
internal import Machine
internal import RunHistory

extension TrainLoop {
  /// Measures tasks at the steps where that is due. A continued run catches up on what a stop cut
  /// off, and repeats nothing. Where `best/` becomes the adapter, the end measures that.
  ///
  /// - Returns: whether a stop was requested meanwhile; nothing is recorded then.
  func measureTasksIfDue() throws -> Bool {
    guard let tasks = run.tasks, state.lastTaskEvaluation != state.globalStep,
      stoppedEarly || evaluationIsDue(every: config.taskEvaluation.steps)
    else { return false }
    let clock = Stopwatch()
    let values =
      try endsWithBest
      ? withBestAdapter { try tasks.measure(shouldStop) } : tasks.measure(shouldStop)
    guard let values else { return true }
    state.lastTaskEvaluation = state.globalStep
    let scores = zip(tasks.names, values).map { JSONValue.Member(key: $0, value: $1) }
    write(
      .object(
        [
          .init(key: MetricKey.step, value: .integer(state.globalStep)),
          .init(key: MetricKey.epoch.rawValue, value: .real(state.epoch)),
        ] + scores + [.init(key: MetricKey.taskRuntime, value: .real(clock.seconds))]))
    if run.ranks.rank == 0 {
      run.report(.measured(step: state.globalStep, scores: .object(scores)))
    }
    return false
  }

  /// What the last record of tasks says; nil without one.
  var taskScores: JSONValue? {
    guard let record = state.logHistory.last(where: { $0[MetricKey.taskRuntime] != nil }) else {
      return nil
    }
    return .object((record.members ?? []).filter { TaskCurve.isName($0.key) })
  }
}
