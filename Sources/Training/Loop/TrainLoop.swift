internal import Datasets
internal import Glibc
internal import JSONText

/// Runs steps until the end, with evaluation, metrics and checkpoints in between.
///
/// All ranks run the same loop on the same state; rank 0 alone writes files and reports. Whatever
/// decides the course (losses, stop requests, failures of rank 0) went through an all-reduce first, so
/// ranks never part ways.
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
  private let clock = Stopwatch()
  /// Seconds of earlier lives.
  var earlierSeconds = 0.0

  package init(_ run: TrainRun) throws {
    guard run.training.count > 0 else { throw TrainingError.badData("no sequence to train on") }
    self.run = run
    config = run.config
    order = DataOrder(
      count: run.training.count, globalBatchSize: config.globalBatchSize,
      seed: UInt64(config.seed))
    totalSteps = config.maxSteps ?? max(1, order.steps(forEpochs: config.numEpochs))
    step = TrainStep(
      model: run.model, ranks: run.ranks, config: config,
      schedule: LearningRateSchedule(config, totalSteps: totalSteps))
  }

  /// Trains to the end, or until asked to stop.
  package func callAsFunction() throws -> TrainOutcome {
    try open()
    if try evaluateIfDue() { return try stop() }
    while state.globalStep < totalSteps, !stoppedEarly {
      let metrics = try takeStep()
      if metrics.stopRequested { return try stop() }
      if try evaluateIfDue() { return try stop() }
      if isDue(config.saveSteps), state.globalStep < totalSteps { try save() }
    }
    return try finish()
  }

  private func isDue(_ interval: Int) -> Bool {
    interval > 0 && state.globalStep % interval == 0
  }

  // MARK: One step

  private func takeStep() throws -> StepMetrics {
    let index = state.globalStep
    let metrics: StepMetrics
    do {
      metrics = try step(localBatch(index), index: index, stop: shouldStop)
    } catch StepFault.nonFinite(let places) {
      throw nonFinite(places: places, batch: order.globalBatch(index), step: index + 1)
    } catch StepFault.nothingSupervised {
      throw TrainingError.badData("step \(index + 1): no supervised token in the global batch")
    }
    state.globalStep += 1
    state.epoch = order.epochs(after: state.globalStep)
    state.inputTokens += metrics.positions
    state.supervisedTokens += metrics.tokens
    state.unloggedLoss += metrics.lossSum
    state.unloggedTokens += metrics.tokens
    if isDue(config.loggingSteps) || state.globalStep == totalSteps { log(metrics) }
    return metrics
  }

  private func localBatch(_ index: Int) throws -> [BatchSequence] {
    let (rank, size) = (run.ranks.rank, run.ranks.size)
    return try order.batch(index, rank: rank, of: size).enumerated().map { offset, sequence in
      BatchSequence(
        sequence: try run.training.sequence(at: sequence), place: rank + offset * size)
    }
  }

  /// Whether this rank wants to stop: a signal, or the wall clock.
  func shouldStop() throws -> Bool {
    try run.stopRequested() || (config.maxWallTime > 0 && clock.seconds > config.maxWallTime)
  }

  /// Names ranks and samples of faulty places in a batch of sequences.
  func nonFinite(
    places: [Int], batch: [Int], step: Int, source: (any SequenceSource)? = nil
  ) -> TrainingError {
    let source = source ?? run.training
    let sequences = places.map { place in
      let ids = (try? source.sequence(at: batch[place]).sampleIDs) ?? []
      return TrainingError.NonFinite.Sequence(
        rank: place % run.ranks.size, sampleIDs: ids.map { source.origin(ofSample: $0) })
    }
    return .nonFinite(.init(step: step, sequences: sequences))
  }

  // MARK: Metrics

  /// Seconds trained, over all lives.
  var runtime: Double { earlierSeconds + clock.seconds }

  private func log(_ metrics: StepMetrics) {
    let loss = state.unloggedLoss / Double(max(1, state.unloggedTokens))
    state.unloggedLoss = 0
    state.unloggedTokens = 0
    let memory = MemoryUse.current
    let progress = TrainProgress(
      step: state.globalStep, totalSteps: totalSteps, epoch: state.epoch, loss: loss,
      learningRate: metrics.learningRate, gradientNorm: metrics.gradientNorm,
      tokensPerSecond: Double(metrics.positions) / max(metrics.seconds, 1e-9),
      memory: memory)
    var record: [(String, JSONValue)] = [
      ("step", .integer(state.globalStep)), ("epoch", .real(state.epoch)), ("loss", .real(loss)),
      ("grad_norm", .real(metrics.gradientNorm)), ("learning_rate", .real(metrics.learningRate)),
      ("tokens_per_second", .real(progress.tokensPerSecond)),
      ("num_input_tokens_seen", .integer(state.inputTokens)),
      ("supervised_tokens_seen", .integer(state.supervisedTokens)),
      ("bytes_read", .integer(metrics.bytesRead)),
      ("step_time", .real(metrics.seconds)), ("comm_time", .real(metrics.communicationSeconds)),
      ("rank_time_min", .real(metrics.fastestRank)), ("rank_time_max", .real(metrics.slowestRank)),
      ("scale_drift_rms", .real(step.drift())), ("train_runtime", .real(runtime)),
    ]
    if let memory {
      record.append(("rss_private_gb", .real(Double(memory.privateBytes) / 1e9)))
      record.append(("rss_shared_gb", .real(Double(memory.sharedBytes) / 1e9)))
    }
    write(.object(members: record))
    if run.ranks.rank == 0 { run.report(.step(progress)) }
  }

  /// Adds a record to the history and the metrics files.
  func write(_ record: JSONValue) {
    state.logHistory.append(record)
    guard let metrics else { return }
    do {
      try metrics.append(record)
    } catch {
      // Figures for reading are not worth the run; a full disk will stop the next checkpoint.
      self.metrics = nil
      run.report(.notice("\(error); metrics are no longer written"))
    }
  }
}
