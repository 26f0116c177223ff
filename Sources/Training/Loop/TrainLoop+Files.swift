internal import Checkpoints
internal import DecoderModel
internal import ExitCodes
internal import Foundation
internal import JSONText
internal import Machine
internal import RunHistory

extension TrainLoop {
  private var adapter: AdapterFiles { AdapterFiles(model: run.model, base: config.model) }

  func notice(_ text: String) {
    if run.ranks.rank == 0 { run.report(.notice(text)) }
  }

  // MARK: Saving

  /// Saves `checkpoint-N/` and points `latest` to it, after the ranks have compared their states. A
  /// whole checkpoint of this very state is not written again.
  ///
  /// - Parameter isLast: nothing comes after it in this attempt. An earlier one may fail for want
  ///   of disk or the like: that is said, the last good one stays, and saving is tried again after
  ///   1, 2, 4, ... 64 steps, or where the next one is due.
  func save(isLast: Bool = true) throws {
    try compareStates()
    run.ranks.beginPhase("step \(state.globalStep), checking the base")
    try run.checkBase()
    run.ranks.beginPhase("step \(state.globalStep), checkpoint")
    let begin = clock.seconds
    state.seconds = runtime
    try run.ranks.onRankZero {
      guard let output else { return }
      try output.lock.checkOwnership()
      if state.withoutTime == savedState { return }
      do {
        try CheckpointStore(folder: output.path).save(
          state, adapter: adapter, step: step, keep: config.saveTotalLimit)
      } catch  where !isLast && Self.storageCodes.contains(error.programExitCode) {
        let wait = min(64, 2 * (retry?.wait ?? 0))
        retry = (state.globalStep + max(1, wait), max(1, wait))
        return notice(
          "warning: \(CheckpointStore.name(step: state.globalStep)) could not be saved: \(error) "
            + "Training goes on; saving is tried again after "
            + (wait > 1 ? "\(wait) steps." : "the next step."))
      }
      retry = nil
      savedState = state.withoutTime
      run.report(.saved(path: output.file(CheckpointStore.name(step: state.globalStep))))
    }
    let seconds = clock.seconds - begin
    lastSave = (at: clock.seconds, seconds)
    unloggedSaving += seconds
  }

  /// A folder that is gone, system, input and output, permission.
  private static let storageCodes: Set<Int32> = [66, 71, 74, 77]

  /// Throws on all ranks where masters or moments differ between them, so that nothing bad is
  /// saved.
  private func compareStates() throws {
    let ranks = run.ranks
    guard ranks.size > 1, config.digestSteps > 0 else { return }
    ranks.beginPhase("step \(state.globalStep), comparing states")
    var digests = [Int64](repeating: 0, count: ranks.size)
    digests[ranks.rank] = StateDigest.of(step.scales, step.optimizer)
    let disagreeing = StateDigest.disagreeing(try ranks.sums(of: digests))
    if !disagreeing.isEmpty { throw statesDiffer(disagreeing) }
  }

  /// Replaces `best/`, file by file: the configuration never changes within a run.
  ///
  /// - Returns: whether that worked, the same on all ranks. A full disk or the like is not worth
  ///   the run: that is said, and the best one before stays.
  func saveBest() throws -> Bool {
    var failures: Int64 = 0
    try run.ranks.onRankZero {
      guard let output else { return }
      do {
        try Folder.make(output.file(RunFile.best))
        let files = try adapter.write(to: output.file(RunFile.best))
        state.bestDigest = files.first { $0.name == Adapter.weightsName }?.digest
      } catch  where Self.storageCodes.contains(error.programExitCode) {
        failures = 1
        notice(
          "warning: the best adapter so far, of step \(state.globalStep), could not be saved: "
            + "\(error) best/ and best_metric stay as they are until an evaluation is better.")
      }
    }
    guard try run.ranks.sums(of: [failures]) == [0] else { return false }
    state.bestIsOther = false
    return true
  }

  /// Saves and says where to go on.
  func stop() throws -> TrainOutcome {
    .stopped(step: state.globalStep, checkpoint: try saveLast())
  }

  /// The same at the step that was asked for.
  func pause() throws -> TrainOutcome {
    .paused(step: state.globalStep, checkpoint: try saveLast())
  }

  private func saveLast() throws -> String {
    try save()
    return "\(config.outputDirectory)/\(CheckpointStore.name(step: state.globalStep))"
  }

  /// The last checkpoint, the adapter and the results; `train_results.json` marks the run as done.
  func finish() throws -> TrainOutcome {
    let reason: RunEnd.Reason = stoppedEarly && state.globalStep < totalSteps ? .early : .complete
    try save()
    var results = results(reason)
    try run.ranks.onRankZero {
      guard let output else { return }
      try writeAdapter(to: output)
      results.adapterDigest = try SHA256.hexDigest(ofFile: output.file(Adapter.weightsName))
      if let evaluation = evaluationResults {
        try output.write(evaluation, to: RunFile.evaluation)
      }
      try output.write(results.json, to: RunFile.results)
    }
    return .finished(results)
  }

  /// Why and when this attempt ended. Figures for reading: a disk that is full is no reason to fail
  /// after all.
  func noteEnd(_ reason: RunEnd.Reason, cause: String = "") {
    let end = RunEnd(
      reason: reason, step: state.globalStep, time: Date(), cause: String(cause.prefix(2000)))
    do {
      if try output?.note(end) == true { run.report(.ended(end)) }
    } catch {
      notice("warning: \(error)")
    }
  }

  func noteEnd(_ outcome: TrainOutcome) {
    switch outcome {
    case .finished(let results): noteEnd(results.reason == .early ? .early : .complete)
    case .stopped:
      let isLate = config.maxWallTime > 0 && clock.seconds > config.maxWallTime
      noteEnd(.stopped, cause: isLate ? "max_wall_time was over" : "a signal asked for it")
    case .paused: noteEnd(.stopped, cause: "stop_at_step was reached")
    }
  }

  private func writeAdapter(to output: OutputFolder) throws {
    try adapter.write(to: output.path)
    guard loadsBest else {
      if config.loadBestModelAtEnd, state.bestIsOther {
        notice(
          "warning: best/ is not of this course of the run, which had its best before it went back: "
            + "the adapter is that of the last step")
      }
      return
    }
    let best = try OpenFile.contents(of: output.file("\(RunFile.best)/\(Adapter.weightsName)"))
    try AtomicFile.write(best, to: output.file(Adapter.weightsName))
  }

  /// The last record of an evaluation, with the best value.
  private var evaluationResults: JSONValue? {
    guard let record = state.logHistory.last(where: { $0[.evalLoss] != nil }) else { return nil }
    let best = state.bestMetric.map {
      [JSONValue.Member(key: "best_\(config.bestMetric.rawValue)", value: .real($0))]
    }
    return .object((record.members ?? []) + (best ?? []))
  }

  private func results(_ reason: RunEnd.Reason) -> TrainResults {
    TrainResults(
      step: state.globalStep, epoch: state.epoch, reason: reason,
      trainLoss: state.logHistory.last { $0[.loss] != nil }?[.loss]?.double,
      evalLoss: state.logHistory.last { $0[.evalLoss] != nil }?[.evalLoss]?.double,
      bestMetric: state.bestMetric, tasks: taskScores, runtime: runtime,
      inputTokens: state.inputTokens,
      supervisedTokens: state.supervisedTokens,
      adapterFolder: config.outputDirectory)
  }
}
