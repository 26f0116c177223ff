package import JSONText

/// What a training run is made of. Every rank has its own, with the same settings and data.
package struct TrainRun {
  package var config: RunConfig
  package var model: any TrainableModel
  package var ranks: any RankGroup
  package var training: any SequenceSource
  package var evaluation: (any SequenceSource)?
  /// SHA-256 of the base's tensors, in hexadecimal.
  package var baseDigest: String
  /// Names the bytes of the data and how they were prepared; equal digests mean equal sequences.
  package var dataDigest: String
  /// The run file as the user wrote it, kept as `config.yaml`.
  package var configText: String?
  /// Members of `run.json`: argv, hosts, cpu, kernel path, MPI version, ...
  package var provenance: [(String, JSONValue)] = []
  /// Whether a signal asked this rank to save and stop. Asked between sequences.
  package var stopRequested: () -> Bool = { false }
  /// Told on rank 0 what happens.
  package var report: (TrainEvent) -> Void = { _ in }

  package init(
    config: RunConfig, model: any TrainableModel, ranks: any RankGroup,
    training: any SequenceSource, evaluation: (any SequenceSource)? = nil, baseDigest: String,
    dataDigest: String
  ) {
    self.config = config
    self.model = model
    self.ranks = ranks
    self.training = training
    self.evaluation = evaluation
    self.baseDigest = baseDigest
    self.dataDigest = dataDigest
  }
}

/// What a run tells its reader, on rank 0.
package enum TrainEvent: Sendable {
  /// Something that was decided or found, in a sentence.
  case notice(String)
  case step(TrainProgress)
  case evaluated(step: Int, loss: Double, perplexity: Double, best: Bool)
  case saved(path: String)
}

/// Where a run stands after a step.
package struct TrainProgress: Sendable {
  package var step: Int
  package var totalSteps: Int
  package var epoch: Double
  package var loss: Double
  package var learningRate: Double
  package var gradientNorm: Double
  /// All tokens of the global batch over the wall time of the step.
  package var tokensPerSecond: Double
  /// Seconds to the last step at the pace of this life's steps.
  package var secondsLeft: Double
  package var memory: MemoryUse?

  /// One line for a log.
  package var line: String {
    var parts = [
      "step \(step)/\(totalSteps)", "epoch \(Self.fixed(epoch, 2))", "loss \(Self.fixed(loss, 4))",
      "lr \(Self.scientific(learningRate))", "norm \(Self.fixed(gradientNorm, 3))",
      "\(Int(tokensPerSecond.rounded())) tok/s", "ETA \(Self.duration(secondsLeft))",
    ]
    if let memory {
      parts.append("\(memory.privateBytes >> 20) MB private, \(memory.sharedBytes >> 20) MB shared")
    }
    return parts.joined(separator: " | ")
  }
}

/// How a run ended.
package enum TrainOutcome: Sendable {
  case finished(TrainResults)
  /// Saved on request; to be started again. Exit code 75.
  case stopped(step: Int, checkpoint: String)

  package var exitCode: Int32 {
    switch self {
    case .finished: 0
    case .stopped: 75
    }
  }
}

/// The figures of a finished run.
package struct TrainResults: Sendable {
  package var step: Int
  package var reason: StopReason
  /// Mean loss of the last logged steps.
  package var trainLoss: Double?
  package var evalLoss: Double?
  package var bestMetric: Double?
  package var runtime: Double
  package var inputTokens: Int
  package var adapterFolder: String
}
