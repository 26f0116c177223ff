package import Datasets

/// One optimizer step over a global batch: the whole method on one screen.
///
/// Every rank calls `callAsFunction` with its part of the batch. The atomic unit of work is one
/// packed sequence; its gradient is the same wherever it is computed, and the sum is exact, so the
/// step gives the same bits on any number of ranks.
package struct TrainStep: ~Copyable {
  package let schedule: LearningRateSchedule
  /// The fp32 masters of all trainable scales.
  package let scales: FloatVector
  package var optimizer: AdamW
  private let model: any TrainableModel
  private let ranks: any RankGroup
  private let maximumNorm: Double
  private let sequencesPerPass: Int
  private var sum: GradientSum
  /// The mean over the global batch; between steps, scratch.
  private let gradient: FloatVector

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
    scales = FloatVector(count: count)
    gradient = FloatVector(count: count)
    optimizer = AdamW(count: count, settings: AdamW.Settings(config))
    sum = GradientSum(parameters: count, ranks: ranks.size, batch: config.globalBatchSize)
    model.copyInitialParameters(to: scales.values)
    model.setParameters(UnsafeBufferPointer(scales.values))
  }

  /// - Parameters:
  ///   - batch: this rank's part of the global batch.
  ///   - index: number of the step, from 0.
  ///   - stop: asked around every pass; one rank that has said true stops all ranks after this
  ///     step. What it throws ends the step at once.
  /// - Throws: `StepFault` on all ranks alike, before anything is updated.
  package mutating func callAsFunction(
    _ batch: [BatchSequence], index: Int, stop: () throws -> Bool = { false }
  ) throws -> StepMetrics {
    let clock = Stopwatch()
    let readBefore = bytesReadFromDisk() ?? 0
    sum.reset()
    var wantsStop = try stop()
    for start in stride(from: 0, to: batch.count, by: sequencesPerPass) {
      try addGradients(of: batch[start..<min(batch.count, start + sequencesPerPass)])
      wantsStop = try stop() || wantsStop
    }
    let computed = clock.seconds
    let read = (bytesReadFromDisk() ?? 0) - readBefore
    sum.report(stop: wantsStop, seconds: computed, bytesRead: read, rank: ranks.rank)
    try sum.allReduce(over: ranks)
    let communicated = clock.seconds - computed

    let faults = sum.faultyPlaces
    if !faults.isEmpty { throw StepFault.nonFinite(places: faults) }
    guard sum.tokenCount > 0 else { throw StepFault.nothingSupervised }
    sum.writeMean(to: gradient)
    let norm = gradient.clip(toNorm: maximumNorm)
    let rate = schedule(index)
    optimizer.update(scales, gradient: gradient, learningRate: rate)
    model.setParameters(UnsafeBufferPointer(scales.values))

    let times = sum.rankSeconds
    return StepMetrics(
      lossSum: sum.lossSum, tokens: sum.tokenCount, positions: sum.positionCount,
      gradientNorm: norm, learningRate: rate, stopRequested: sum.stopRequested,
      bytesRead: sum.bytesRead, seconds: clock.seconds, communicationSeconds: communicated,
      fastestRank: times.min() ?? computed, slowestRank: times.max() ?? computed)
  }

  /// d(sum of token losses)/d(scales) of each sequence by itself, added in fixed point.
  private mutating func addGradients(of pass: ArraySlice<BatchSequence>) throws {
    let parts = Array(pass)
    let losses = try model.lossesAndGradients(parts.map(\.sequence)) { index, first, values in
      sum.add(gradient: values, from: first, at: parts[index].place)
    }
    for (part, loss) in zip(parts, losses) {
      sum.add(loss, length: part.sequence.tokens.count, at: part.place)
    }
  }

  /// Root mean square of what training has changed.
  package borrowing func drift() -> Double {
    guard scales.count > 0 else { return 0 }
    // The gradient of the last step has been used; no other vector of this size is free.
    let change = gradient.values
    model.copyInitialParameters(to: change)
    for i in 0..<scales.count { change[i] = scales.values[i] - change[i] }
    return gradient.norm() / Double(scales.count).squareRoot()
  }
}

/// A sequence and its place in the global batch.
package struct BatchSequence {
  package var sequence: PackedSequence
  package var place: Int

  package init(sequence: PackedSequence, place: Int) {
    self.sequence = sequence
    self.place = place
  }
}

/// Why a step was not taken; the loop adds names of samples and ranks.
enum StepFault: Error, Equatable {
  case nonFinite(places: [Int])
  case nothingSupervised
}

/// What one step did. Loss, tokens and positions are sums over the global batch.
package struct StepMetrics: Sendable {
  package var lossSum: Double
  /// Supervised tokens.
  package var tokens: Int
  /// All tokens, prompts included.
  package var positions: Int
  /// Before clipping.
  package var gradientNorm: Double
  package var learningRate: Double
  package var stopRequested: Bool
  /// From disk, by all ranks together.
  package var bytesRead: Int
  /// This rank's wall time, and its part in the all-reduce, waiting included.
  package var seconds: Double
  package var communicationSeconds: Double
  /// Least and greatest time that a rank computed.
  package var fastestRank: Double
  package var slowestRank: Double

  package var loss: Double { lossSum / Double(tokens) }
}
