internal import Datasets
internal import DecoderModel
internal import Machine
internal import RunHistory

/// Runs steps until the end, with evaluation, metrics and checkpoints in between.
///
/// All ranks run the same loop on the same state; rank 0 alone writes files and reports. Whatever
/// decides the course (losses, stop requests, failures of rank 0) went through an all-reduce first,
/// so ranks never part ways.
package final class TrainLoop {
  let run: TrainRun
  let config: RunConfig
  let order: DataOrder
  let totalSteps: Int
  var state = TrainerState()
  var step: TrainStep
  /// Nil on other ranks than 0.
  var output: OutputFolder?
  var metrics: MetricsLog?
  var metricsAreLate = false
  /// Scales whose new sign, or 0, was last warned of.
  private var warnedScales = 0
  let clock = Stopwatch()
  /// Seconds of earlier attempts.
  var earlierSeconds = 0.0
  /// When this attempt last saved, by `clock`, and how long that took.
  var lastSave = (at: 0.0, seconds: 0.0)
  /// After a checkpoint that could not be saved: the step after which to try again, and how many
  /// steps that is away. Rank 0 only.
  var retry: (step: Int, wait: Int)?
  /// What the newest checkpoint on the disk says, written or verified in this attempt, but for the
  /// time it took. Rank 0 only.
  var savedState: TrainerState?
  /// Seconds spent saving since the last logged step.
  var unloggedSaving = 0.0
  /// Counts steps and evaluations of this attempt: the round of `claimNext`.
  private var round = 0

  package init(_ run: TrainRun) throws {
    guard run.training.count > 0 else { throw TrainingError.badData("no sequence to train on") }
    self.run = run
    config = run.config
    order = DataOrder(config, of: run.training.count)
    totalSteps = config.steps(order)
    step = TrainStep(
      model: run.model, ranks: run.ranks, config: config,
      schedule: LearningRateSchedule(config, totalSteps: totalSteps))
  }

  /// Trains to the end, or until asked to stop. `run.json` says afterwards which it was, and why.
  package func callAsFunction() throws -> TrainOutcome {
    do {
      let outcome = try train()
      noteEnd(outcome)
      return outcome
    } catch {
      noteEnd(.failed, cause: run.describe(error))
      throw error
    }
  }

  private func train() throws -> TrainOutcome {
    try open()
    if state.globalStep < lastStep { try run.prepare() }
    if try evaluateIfDue() || measureTasksIfDue() { return try stop() }
    while state.globalStep < totalSteps, !stoppedEarly {
      if config.stopAtStep > 0, state.globalStep >= config.stopAtStep { return try pause() }
      let metrics = try takeStep()
      if metrics.stopRequested { return try stop() }
      if try evaluateIfDue() || measureTasksIfDue() { return try stop() }
      if isDue(config.saveSteps) || metrics.saveRequested, state.globalStep < totalSteps {
        try save(isLast: false)
      }
    }
    return try finish()
  }

  /// The step that this attempt goes up to.
  private var lastStep: Int {
    config.stopAtStep > 0 ? min(config.stopAtStep, totalSteps) : totalSteps
  }

  private func isDue(_ interval: Int) -> Bool {
    interval > 0 && state.globalStep % interval == 0
  }

  // MARK: One step

  private func takeStep() throws -> StepMetrics {
    let metrics = try take(order.globalBatch(state.globalStep), index: state.globalStep)
    state.globalStep += 1
    warn(of: metrics.scaleFaults)
    state.epoch = order.epochs(after: state.globalStep)
    state.inputTokens += metrics.positions
    state.supervisedTokens += metrics.tokens
    state.unloggedLoss += metrics.lossSum
    state.unloggedParts += metrics.parts
    state.unloggedTokens += metrics.tokens
    if isDue(config.loggingSteps) || state.globalStep == totalSteps { log(metrics) }
    return metrics
  }

  /// The step itself; its faults get the names of samples and ranks.
  private func take(_ batch: [Int], index: Int) throws -> StepMetrics {
    var schedule = schedule(batch)
    do {
      return try step(
        index: index, compareStates: config.digestSteps > 0 && index % config.digestSteps == 0,
        next: { try sequences(of: &schedule, most: $0, step: index + 1) }, save: saveIsDue,
        stop: shouldStop)
    } catch StepFault.nonFinite(let faults) {
      throw nonFinite(faults, batch: batch, step: index + 1)
    } catch StepFault.statesDiffer(let disagreeing) {
      throw statesDiffer(disagreeing)
    } catch StepFault.miscounted(let slots) {
      throw TrainingError.workLost(step: index + 1, sequences: slots.count)
    } catch StepFault.scalesNotFinite(let count) {
      throw TrainingError.scalesNotFinite(step: index + 1, count: count)
    } catch StepFault.nothingSupervised {
      throw TrainingError.badData("step \(index + 1): no supervised token in the global batch")
    }
  }

  /// Once when there are some, and again whenever their number has doubled.
  private func warn(of faults: ScaleFaults) {
    let count = faults.flipped + faults.zeroed
    guard count > 0, count >= 2 * warnedScales else { return }
    warnedScales = count
    notice(
      "warning: after step \(state.globalStep), \(faults.flipped) scales have another sign than in "
        + "the base, and \(faults.zeroed) are 0 and cannot be trained any more. learning_rate is "
        + "probably too large.")
  }

  /// Deals a batch to the ranks; a new round on all of them.
  func schedule(_ batch: [Int]) -> BatchSchedule {
    round += 1
    return BatchSchedule(
      batch, ranks: run.ranks,
      claimingInRound: config.workSchedule == .dynamic && run.ranks.size > 1 ? round : nil)
  }

  private func sequences(
    of schedule: inout BatchSchedule, most: Int, step: Int
  ) throws -> [BatchSequence] {
    run.ranks.beginPhase("step \(step), reading data")
    return try schedule.next(most).map { slot in
      BatchSequence(sequence: try run.training.sequence(at: schedule.batch[slot]), slot: slot)
    }
  }

  /// Rank 0 decides by its clock when to save: so often that it costs less than 1 % of the time.
  /// After a failure it tries again soon.
  private func saveIsDue() -> Bool {
    guard run.ranks.rank == 0 else { return false }
    if let retry { return state.globalStep + 1 >= retry.step }
    guard config.saveInterval > 0 else { return false }
    return clock.seconds - lastSave.at >= max(config.saveInterval, 100 * lastSave.seconds)
  }

  /// Whether this rank wants to stop: a signal, or the wall clock.
  func shouldStop() throws -> Bool {
    try run.stopRequested() || (config.maxWallTime > 0 && clock.seconds > config.maxWallTime)
  }

  /// Names ranks and samples of faulty slots in a batch of sequences.
  func nonFinite(
    _ faults: [(slot: Int, rank: Int)], batch: [Int], step: Int,
    source: (any SequenceSource)? = nil
  ) -> TrainingError {
    let source = source ?? run.training
    let sequences = faults.map { fault in
      let ids = (try? source.sequence(at: batch[fault.slot]).sampleIDs) ?? []
      return TrainingError.NonFinite.Sequence(
        rank: fault.rank, sampleIDs: ids.map { source.origin(ofSample: $0) })
    }
    return .nonFinite(.init(step: step, sequences: sequences))
  }

  func statesDiffer(_ disagreeing: [Int]) -> TrainingError {
    .statesDiffer(
      step: state.globalStep, ranks: disagreeing.map { run.ranks.name(ofRank: $0) },
      isMajority: disagreeing.count < run.ranks.size)
  }
}
