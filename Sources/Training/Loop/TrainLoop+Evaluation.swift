internal import Datasets
internal import Glibc
internal import JSONText
internal import Machine
internal import RunHistory

extension TrainLoop {
  /// Patience has run out.
  var stoppedEarly: Bool {
    config.earlyStoppingPatience > 0
      && state.evaluationsWithoutBest >= config.earlyStoppingPatience
  }

  /// Whether to evaluate or to measure tasks here: every `interval` steps, at a pause, at the end,
  /// and before the first step where that is wished.
  func evaluationIsDue(every interval: Int) -> Bool {
    let step = state.globalStep
    guard step > 0 else { return config.evalOnStart }
    return step == totalSteps || step == config.stopAtStep
      || (interval > 0 && step % interval == 0)
  }

  /// Evaluates at the steps where that is due. A continued run catches up on what a stop cut off.
  ///
  /// - Returns: whether a stop was requested meanwhile; the evaluation is then void.
  func evaluateIfDue() throws -> Bool {
    guard let source = run.evaluation, source.count > 0, state.lastEvaluation != state.globalStep,
      evaluationIsDue(every: config.evalSteps)
    else { return false }
    let clock = Stopwatch()
    guard let loss = try evaluate(source) else { return true }
    try record(loss: loss, seconds: clock.seconds)
    return false
  }

  /// Mean token loss over `source`, the same digits on any number of ranks; nil when interrupted.
  private func evaluate(_ source: any SequenceSource) throws -> Double? {
    let limit = config.maxEvalSequences
    let count = limit > 0 ? min(limit, source.count) : source.count
    var sum = GradientSum(parameters: 0, ranks: run.ranks.size, batch: count)
    var stopped = try shouldStop()
    var schedule = schedule(Array(0..<count))
    while !stopped, let index = try schedule.next(1).first {
      run.ranks.beginPhase("step \(state.globalStep), evaluation")
      let sequence = try source.sequence(at: index)
      sum.add(
        try run.model.loss(sequence), length: sequence.tokens.count, at: index,
        by: run.ranks.rank)
      stopped = try shouldStop()
    }
    sum.report(RankReport(stop: stopped), rank: run.ranks.rank)
    try sum.allReduce(over: run.ranks)
    if sum.stopRequested { return nil }
    let faults = sum.faults
    if !faults.isEmpty {
      throw nonFinite(faults, batch: schedule.batch, step: state.globalStep, source: source)
    }
    let miscounted = sum.miscountedPlaces.count
    if miscounted > 0 {
      throw TrainingError.workLost(step: state.globalStep, sequences: miscounted)
    }
    guard sum.tokenCount > 0 else {
      throw TrainingError.badData("evaluation: no supervised token in the held-out data")
    }
    return sum.lossSum / Double(sum.tokenCount)
  }

  private func record(loss: Double, seconds: Double) throws {
    let perplexity = exp(loss)
    let value = config.bestMetric == .evalLoss ? loss : perplexity
    let best = state.bestMetric.map { value < $0 } ?? true
    state.lastEvaluation = state.globalStep
    state.evaluationsWithoutBest = best ? 0 : state.evaluationsWithoutBest + 1
    // What `best/` holds, also where it could not be replaced.
    if best, try saveBest() {
      state.bestMetric = value
      state.bestModelCheckpoint = "best"
    }
    write(
      .metrics(
        step: state.globalStep,
        [
          (.epoch, .real(state.epoch)), (.evalLoss, .real(loss)),
          (.perplexity, .real(perplexity)), (.evalRuntime, .real(seconds)),
        ]))
    if run.ranks.rank == 0 {
      run.report(
        .evaluated(step: state.globalStep, loss: loss, perplexity: perplexity, best: best))
    }
  }
}
