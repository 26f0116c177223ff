internal import Collectives
package import Datasets
package import DecoderModel
package import Kernels
internal import Machine

/// One optimizer step over a global batch: the whole method on one screen.
///
/// Every rank calls `callAsFunction` and computes a part of the batch, whichever. The atomic unit
/// of work is one packed sequence; its gradient is the same wherever it is computed, and the sum is
/// exact, so the step gives the same bits on any number of ranks.
package struct TrainStep: ~Copyable {
  package let schedule: LearningRateSchedule
  /// The fp32 masters of all trainable scales.
  package let scales: FloatBuffer
  package var optimizer: AdamW
  private let model: any TrainableModel
  private let ranks: any RankGroup
  private let maximumNorm: Double
  private let sequencesPerPass: Int
  private var sum: GradientSum
  /// The mean over the global batch; between steps, scratch.
  private let gradient: FloatBuffer

  package init(
    model: any TrainableModel, ranks: any RankGroup, config: RunConfig,
    schedule: LearningRateSchedule
  ) {
    let count = model.parameterCount
    self.model = model
    self.ranks = ranks
    self.schedule = schedule
    maximumNorm = config.maxGradNorm
    sequencesPerPass = config.microBatchSize
    scales = FloatBuffer(zeros: count)
    gradient = FloatBuffer(zeros: count)
    optimizer = AdamW(count: count, settings: AdamW.Settings(config))
    sum = GradientSum(
      parameters: count, ranks: ranks.size, batch: config.globalBatchSize,
      width: config.gradientSum)
    model.copyInitialParameters(to: scales.elements)
    model.setParameters(UnsafeBufferPointer(scales.elements))
  }

  /// - Parameters:
  ///   - index: number of the step, from 0.
  ///   - compareStates: whether ranks compare digests of masters and moments.
  ///   - next: this rank's next sequences of the global batch, at most so many; none at the end.
  ///   - save: asked once, whether it is time for a checkpoint.
  ///   - stop: asked around every pass; one rank that has said true stops all ranks after this
  ///     step. What it throws ends the step at once.
  /// - Throws: `StepFault` on all ranks alike: before anything is updated, but for
  ///   `scalesNotFinite`, after which the state must not be used or saved.
  package mutating func callAsFunction(
    index: Int, compareStates: Bool = false, next: (Int) throws -> [BatchSequence],
    save: () -> Bool = { false }, stop: () throws -> Bool = { false }
  ) throws -> StepMetrics {
    let clock = Stopwatch()
    var report = RankReport()
    if compareStates, ranks.size > 1 { report.digest = StateDigest.of(scales, optimizer) }
    try addGradients(step: index + 1, &report, next: next, stop: stop)
    report.seconds = clock.seconds
    report.save = save()
    let bytesSent = try exchange(report, step: index + 1)
    let communicated = clock.seconds - report.seconds
    try checkSum()
    let update = try self.update(index)
    return metrics(
      update, report, seconds: clock.seconds, communicated: communicated, bytesSent: bytesSent)
  }

  /// Adds the gradients of this rank's sequences, pass by pass.
  private mutating func addGradients(
    step: Int, _ report: inout RankReport, next: (Int) throws -> [BatchSequence],
    stop: () throws -> Bool
  ) throws {
    let readBefore = bytesReadFromDisk() ?? 0
    sum.reset()
    report.stop = try stop()
    while true {
      let pass = try next(sequencesPerPass)
      if pass.isEmpty { break }
      try addGradients(of: pass, step: step)
      report.stop = try stop() || report.stop
    }
    report.bytesRead = (bytesReadFromDisk() ?? 0) - readBefore
  }

  /// Replaces this rank's sums by those of all ranks. Returns the bytes that it sent.
  private mutating func exchange(_ report: RankReport, step: Int) throws -> Int {
    sum.report(report, rank: ranks.rank)
    ranks.beginPhase("step \(step), all-reduce")
    let before = ranks.traffic.bytesSent
    try sum.allReduce(over: ranks)
    return ranks.traffic.bytesSent - before
  }

  /// What an update did.
  private struct Update {
    var gradientNorm, learningRate: Double
    var scaleFaults: ScaleFaults
  }

  /// Mean gradient, clipping, AdamW, and the fp16 scales of the next forward pass.
  private mutating func update(_ index: Int) throws -> Update {
    ranks.beginPhase("step \(index + 1), update")
    sum.writeMean(to: gradient)
    if sum.isNarrow { sum.adaptSteps() }
    let norm = gradient.clip(toNorm: maximumNorm)
    let rate = schedule(index)
    optimizer.update(scales, gradient: gradient, learningRate: rate)
    let faults = model.setParameters(UnsafeBufferPointer(scales.elements))
    if faults.notFinite > 0 { throw StepFault.scalesNotFinite(faults.notFinite) }
    return Update(gradientNorm: norm, learningRate: rate, scaleFaults: faults)
  }

  private borrowing func metrics(
    _ update: Update, _ report: RankReport, seconds: Double, communicated: Double, bytesSent: Int
  ) -> StepMetrics {
    let times = sum.rankSeconds
    return StepMetrics(
      lossSum: sum.lossSum, parts: sum.lossParts, tokens: sum.tokenCount,
      positions: sum.positionCount,
      gradientNorm: update.gradientNorm, learningRate: update.learningRate,
      stopRequested: sum.stopRequested, saveRequested: sum.saveRequested,
      bytesRead: sum.bytesRead, seconds: seconds, communicationSeconds: communicated,
      communicationBytes: bytesSent, fastestRank: times.min() ?? report.seconds,
      slowestRank: times.max() ?? report.seconds, scaleFaults: update.scaleFaults)
  }

  private borrowing func checkSum() throws {
    let disagreeing = StateDigest.disagreeing(sum.digests)
    if !disagreeing.isEmpty { throw StepFault.statesDiffer(ranks: disagreeing) }
    let faults = sum.faults
    if !faults.isEmpty { throw StepFault.nonFinite(faults) }
    let miscounted = sum.miscountedPlaces
    if !miscounted.isEmpty { throw StepFault.miscounted(slots: miscounted) }
    guard sum.tokenCount > 0 else { throw StepFault.nothingSupervised }
  }

  /// d(sum of token losses)/d(scales) of each sequence by itself, added in fixed point.
  private mutating func addGradients(of pass: [BatchSequence], step: Int) throws {
    ranks.beginPhase("step \(step), forward")
    let backward = "step \(step), backward"
    let rank = ranks.rank
    let losses = try model.lossesAndGradients(pass.map(\.sequence)) { index, first, values in
      ranks.beginPhase(backward)
      sum.add(gradient: values, from: first, at: pass[index].slot, by: rank)
    }
    for (part, loss) in zip(pass, losses) {
      sum.add(loss, length: part.sequence.tokens.count, at: part.slot, by: rank)
    }
  }

  /// Fraction bits of the blocks of a narrow sum; empty for a wide one.
  package var blockBits: [Int8] {
    get { sum.blockBits }
    set { sum.blockBits = newValue }
  }

  /// Numbers that each rank gives to the all-reduce of a step.
  package static func summedNumbers(parameters: Int, ranks: Int, batch: Int) -> Int {
    GradientSum.count(parameters: parameters, ranks: ranks, batch: batch)
  }

  /// Root mean square of what training has changed.
  package borrowing func drift() -> Double {
    guard scales.count > 0 else { return 0 }
    // The gradient of the last step has been used; no other vector of this size is free.
    let change = gradient.elements
    model.copyInitialParameters(to: change)
    for i in 0..<scales.count { change[i] = scales.elements[i] - change[i] }
    return gradient.norm() / Double(scales.count).squareRoot()
  }
}

extension TrainStep {
  /// A step over sequences that stand beforehand; `batch` is this rank's part.
  package mutating func callAsFunction(
    _ batch: [BatchSequence], index: Int, stop: () throws -> Bool = { false }
  ) throws -> StepMetrics {
    var rest = batch[...]
    return try self(
      index: index,
      next: { most in
        defer { rest = rest.dropFirst(most) }
        return Array(rest.prefix(most))
      }, stop: stop)
  }
}

/// A sequence and its slot in the global batch.
package struct BatchSequence {
  package var sequence: PackedSequence
  package var slot: Int

  package init(sequence: PackedSequence, slot: Int) {
    self.sequence = sequence
    self.slot = slot
  }
}

/// Why a step was not taken; the loop adds names of samples and ranks.
enum StepFault: Error {
  case nonFinite([(slot: Int, rank: Int)])
  /// Masters or moments of these ranks are not those of the others.
  case statesDiffer(ranks: [Int])
  /// Places that no rank or more than one has computed: a fault in handing out work.
  case miscounted(slots: [Int])
  case nothingSupervised
  /// After the update, so many scales are infinite or not a number: no state to go on from.
  case scalesNotFinite(Int)
}

/// What one step did. Loss, tokens and positions are sums over the global batch.
package struct StepMetrics: Sendable {
  package var lossSum: Double
  /// What it is made of, where a model learns from a teacher.
  package var parts: LossParts
  /// Supervised tokens.
  package var tokens: Int
  /// All tokens, prompts included.
  package var positions: Int
  /// Before clipping.
  package var gradientNorm: Double
  package var learningRate: Double
  package var stopRequested: Bool
  package var saveRequested: Bool
  /// From disk, by all ranks together.
  package var bytesRead: Int
  /// This rank's wall time, and its part in the all-reduce, waiting included.
  package var seconds: Double
  package var communicationSeconds: Double
  /// What this rank sent in it, with an algorithm that is optimal for bandwidth.
  package var communicationBytes: Int
  /// Least and greatest time that a rank computed.
  package var fastestRank: Double
  package var slowestRank: Double
  /// What the update has made of the scales.
  package var scaleFaults: ScaleFaults

  package var loss: Double { lossSum / Double(tokens) }
}
