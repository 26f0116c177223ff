internal import Collectives
internal import DecoderModel
internal import Evaluation
internal import JSONText
internal import Kernels
internal import RunHistory
internal import Tokenization
internal import Training

/// The tasks on which a run measures its model, read and checked.
struct TrainTasks {
  private let sets: [TaskSet]
  /// Tokens whose keys and values are kept.
  let cachedTokens: Int

  /// Nil where the run file names none.
  ///
  /// - Throws: `TaskError`, or what reading its files throws.
  init?(_ settings: TaskSettings, _ tokenizer: Tokenizer, _ model: DecoderConfig) throws {
    guard !settings.tasks.isEmpty else { return nil }
    sets = try TaskSet.load(
      settings.tasks, from: TaskData(folder: settings.dataFolder), shots: settings.fewShotCount,
      limit: settings.limit)
    cachedTokens = try sets.cachedTokens(tokenizer, maximumLength: model.maximumLength)
  }

  var digest: String { sets.digest }

  /// `piqa 100, mmlu 570`: names and numbers of items.
  var text: String { sets.map { "\($0.name) \($0.itemCount)" }.joined(separator: ", ") }

  /// How the loop measures them, on all ranks; `scales` are those that are trained.
  func measurement(
    _ decoder: Decoder, _ scales: AdapterScales, _ tokenizer: Tokenizer, _ ranks: Communicator
  ) -> TaskMeasurement {
    let evaluation = TaskEvaluation(decoder, tokenizer: tokenizer, adapter: scales)
    let names = sets.flatMap { set in
      set.definition.metrics.map { TaskCurve.name(set.name, $0.rawValue) }.flatMap {
        [$0, $0 + TaskCurve.errorSuffix]
      }
    }
    return TaskMeasurement(names: names) { isStopped in
      try decoder.compute.inFloatingPoint {
        try Self.report(of: evaluation, sets, ranks, isStopped)
      }?.tasks.flatMap { task in
        task.metrics.flatMap {
          [.real($0.result.value), $0.result.error.map { .real($0) } ?? .null]
        }
      }
    }
  }

  /// Nil where a rank was asked to stop; what a rank's own question throws, it throws itself.
  private static func report(
    of evaluation: TaskEvaluation, _ sets: [TaskSet], _ ranks: Communicator,
    _ isStopped: () throws -> Bool
  ) throws -> TaskReport? {
    var failure: (any Error)?
    do {
      return try evaluation.run(
        sets, on: ranks,
        isStopped: {
          do { return try isStopped() } catch {
            failure = error
            return true
          }
        })
    } catch EvaluationError.stopped {
      if let failure { throw failure }
      return nil
    }
  }
}
