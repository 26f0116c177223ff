internal import DecoderModel
internal import JSONText
internal import Machine
internal import RunHistory

extension TrainLoop {
  /// Seconds trained, over all attempts.
  var runtime: Double { earlierSeconds + clock.seconds }

  func log(_ metrics: StepMetrics) {
    let tokens = Double(max(1, state.unloggedTokens))
    let (loss, parts) = (state.unloggedLoss / tokens, state.unloggedParts)
    state.unloggedLoss = 0
    state.unloggedParts = LossParts()
    state.unloggedTokens = 0
    let progress = TrainProgress(
      step: state.globalStep, totalSteps: totalSteps, epoch: state.epoch, loss: loss,
      learningRate: metrics.learningRate, gradientNorm: metrics.gradientNorm,
      tokensPerSecond: Double(metrics.positions) / max(metrics.seconds, 1e-9),
      memory: MemoryUse.current)
    let record = record(of: metrics, progress, parts, tokens: tokens)
    unloggedSaving = 0
    write(.metrics(step: state.globalStep, record))
    if run.ranks.rank == 0 { run.report(.step(progress)) }
  }

  /// The members of a line of metrics; `parts` of the loss are sums over so many tokens.
  private func record(
    of metrics: StepMetrics, _ progress: TrainProgress, _ parts: LossParts, tokens: Double
  ) -> [(MetricKey, JSONValue)] {
    var record: [(MetricKey, JSONValue)] = [
      (.epoch, .real(state.epoch)), (.loss, .real(progress.loss)),
      (.gradientNorm, .real(metrics.gradientNorm)), (.learningRate, .real(metrics.learningRate)),
      (.tokensPerSecond, .real(progress.tokensPerSecond)),
      (.inputTokens, .integer(state.inputTokens)),
      (.supervisedTokens, .integer(state.supervisedTokens)),
      (.bytesRead, .integer(metrics.bytesRead)),
      (.stepTime, .real(metrics.seconds)),
      (.communicationTime, .real(metrics.communicationSeconds)),
      (.communicationBytes, .integer(metrics.communicationBytes)),
      (.saveTime, .real(unloggedSaving)),
      (.fastestRank, .real(metrics.fastestRank)), (.slowestRank, .real(metrics.slowestRank)),
      (.scaleDrift, .real(step.drift())), (.runtime, .real(runtime)),
    ]
    if config.objective == .distill {
      record.append((.divergence, .real(parts.divergence / tokens)))
      record.append((.taskLoss, .real(parts.task / tokens)))
      if config.distillHiddenWeight > 0 {
        record.append((.hiddenLoss, .real(parts.hidden / tokens)))
      }
    }
    if let memory = progress.memory {
      record.append((.privateGigabytes, .real(Double(memory.privateBytes) / 1e9)))
      record.append((.sharedGigabytes, .real(Double(memory.sharedBytes) / 1e9)))
    }
    return record
  }

  /// Adds a record to the history and the metrics files.
  func write(_ record: JSONValue) {
    state.note(record)
    guard let metrics else { return }
    do {
      try metrics.append(record)
      metricsAreLate = false
    } catch {
      // Figures for reading are not worth the run.
      if !metricsAreLate {
        run.report(.notice("warning: \(error). Metrics are written when that is possible again."))
      }
      metricsAreLate = true
    }
  }
}
