package import JSONText
package import Machine
package import RunHistory

/// What a training run is made of. Every rank has its own, with the same settings and data.
package struct TrainRun {
  package var config: RunConfig
  package var model: any TrainableModel
  package var ranks: any RankGroup
  package var training: any SequenceSource
  package var evaluation: (any SequenceSource)?
  /// Nil where no tasks are measured.
  package var tasks: TaskMeasurement?
  /// SHA-256 of the base's tensors, in hexadecimal.
  package var baseDigest: String
  /// `DecoderConfig.digest` of the base; empty where there is none.
  package var configDigest = ""
  /// Throws, on all ranks alike, where the base is no longer what it was at the start. Asked before
  /// anything is saved.
  package var checkBase: () throws -> Void = {}
  /// Names the bytes of the data and how they were prepared; equal digests mean equal sequences.
  package var dataDigest: String
  /// SHA-256 of the weights of the model that is learnt from; nil without one.
  package var teacherDigest: String?
  /// Makes what the first step needs and what takes long. Called on all ranks once it is clear that
  /// this run may go on, with the output folder locked.
  package var prepare: () throws -> Void = {}
  /// Which kernels compute: a run goes on with others only where `deterministic` is off.
  package var kernels = ""
  /// The run file as the user wrote it, kept as `config.yaml`.
  package var configText: String?
  /// Files to copy into the output folder, e.g. the tokenizer's.
  package var companions: [String] = []
  /// Members of `run.json`: argv, hosts, cpu, kernel path, MPI version, ...
  package var provenance: [(String, JSONValue)] = []
  /// Whether a signal asked this rank to save and stop. Asked between sequences; what it throws
  /// ends this rank at once, without saving.
  package var stopRequested: () throws -> Bool = { false }
  /// An error in words, for `run.json`.
  package var describe: (any Error) -> String = { "\($0)" }
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
  /// Scores by names such as `piqa/acc`.
  case measured(step: Int, scores: JSONValue)
  case saved(path: String)
  /// The last event of an attempt that has begun: `run.json` says the same. What was wrong before
  /// anything in the output folder was touched has none.
  case ended(RunEnd)
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
  package var memory: MemoryUse?
}

/// How a run ended.
package enum TrainOutcome: Sendable {
  case finished(TrainResults)
  /// Saved on request; to be started again. Exit code 75.
  case stopped(step: Int, checkpoint: String)
  /// Saved at `stop_at_step`, as the run was told.
  case paused(step: Int, checkpoint: String)

  package var exitCode: Int32 {
    switch self {
    case .finished, .paused: 0
    case .stopped: 75
    }
  }
}

/// The figures of a finished run: the contents of `train_results.json`.
package struct TrainResults: Sendable {
  package var step: Int
  package var epoch: Double
  package var reason: RunEnd.Reason
  /// Mean loss of the last logged steps.
  package var trainLoss: Double?
  package var evalLoss: Double?
  package var bestMetric: Double?
  /// Scores of the last step on tasks, by names such as `piqa/acc`.
  package var tasks: JSONValue?
  /// Seconds, over all attempts.
  package var runtime: Double
  package var inputTokens: Int
  package var supervisedTokens: Int
  package var adapterFolder: String
  /// SHA-256 of the adapter's weights, in hexadecimal; on rank 0 only.
  package var adapterDigest = ""

  package var json: JSONValue {
    let members: [(String, JSONValue)] = [
      ("global_step", .integer(step)), ("epoch", .real(epoch)),
      ("stop_reason", .string(reason.rawValue)),
      ("train_loss", trainLoss.map { .real($0) } ?? .null),
      ("eval_loss", evalLoss.map { .real($0) } ?? .null),
      ("best_metric", bestMetric.map { .real($0) } ?? .null),
      ("train_runtime", .real(runtime)),
      ("tokens_per_second", .real(Double(inputTokens) / max(runtime, 1e-9))),
      ("num_input_tokens_seen", .integer(inputTokens)),
      ("supervised_tokens_seen", .integer(supervisedTokens)),
      ("adapter_sha256", .string(adapterDigest)), ("output_dir", .string(adapterFolder)),
    ]
    return .object(members: members + (tasks.map { [("tasks", $0)] } ?? []))
  }
}
