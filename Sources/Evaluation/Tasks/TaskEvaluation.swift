package import Collectives
package import DecoderModel
package import Tokenization

/// Evaluates a model on tasks, its items shared out over ranks.
///
/// Every number is that of one rank and one thread: items are worked on whole, in units that do not
/// know ranks, and their answers are put together in the items' order.
package final class TaskEvaluation {
  private let decoder: Decoder
  private let tokenizer: Tokenizer
  private let adapter: AdapterScales?
  private let scorer: ContinuationScorer
  private let maximumLength: Int

  /// - Parameters:
  ///   - adapter: the task's scales that `decoder` uses, also afterwards; nil for the base's.
  ///   - maximumLength: positions at most, nil for the model's own.
  package init(
    _ decoder: Decoder, tokenizer: Tokenizer, adapter: AdapterScales? = nil,
    maximumLength: Int? = nil
  ) {
    (self.decoder, self.tokenizer, self.adapter) = (decoder, tokenizer, adapter)
    self.maximumLength = maximumLength ?? decoder.config.maximumLength
    scorer = ContinuationScorer(decoder, tokenizer: tokenizer, maximumLength: maximumLength)
  }

  /// How far an evaluation is.
  package struct Progress: Sendable, Equatable {
    package var done: Int
    package var total: Int
    /// The task that is worked on.
    package var task: String
  }

  /// Results of all tasks, the same on every rank; a collective call.
  ///
  /// - Throws: `EvaluationError.stopped` where `isStopped` says so on any rank, `OtherRankFailed`
  ///   where another failed.
  package func run(
    _ sets: [TaskSet], on ranks: Communicator, progress: (Progress) -> Void = { _ in },
    isStopped: () -> Bool = { false }
  ) throws -> TaskReport {
    let total = sets.reduce(0) { $0 + $1.itemCount }
    var units: [Unit] = []
    for (task, set) in sets.enumerated() {
      for (part, subtask) in set.parts.enumerated() {
        units += TaskUnits.cut(subtask.items, set.definition.kind).map {
          Unit(task: task, part: part, range: $0)
        }
      }
    }
    decoder.use(adapter)
    defer { decoder.use(adapter) }
    let clock = ContinuousClock()
    let start = clock.now
    let answers = try withoutActuallyEscaping(isStopped) { isStopped in
      try ShardedAnswers(unitCount: units.count) { unit in
        try self.answer(units[unit], sets, isStopped)
      }.run(
        on: ranks,
        progress: { done in
          progress(
            Progress(
              done: units[..<done].reduce(0) { $0 + $1.range.count }, total: total,
              task: sets[units[done - 1].task].parts[units[done - 1].part].name))
        }, isStopped: isStopped)
    }
    var responses = try zip(units, answers).flatMap { unit, bytes in
      try TaskResponse.decode(bytes, like: sets[unit.task].parts[unit.part].items[unit.range])
    }[...]
    return TaskReport(
      tasks: sets.map { set in
        TaskReport.Task(
          set,
          parts: set.parts.map { part in
            defer { responses = responses.dropFirst(part.items.count) }
            return Array(responses.prefix(part.items.count))
          })
      }, seconds: (clock.now - start).seconds)
  }

  private struct Unit {
    var task, part: Int
    var range: Range<Int>
  }

  private func answer(
    _ unit: Unit, _ sets: [TaskSet], _ isStopped: @escaping () -> Bool
  ) throws -> [UInt8] {
    let set = sets[unit.task]
    let items = set.parts[unit.part].items[unit.range]
    guard set.definition.kind == .generation else {
      return TaskResponse.encode(
        try scorer.responses(to: items).map { TaskResponse.scores($0) })
    }
    return TaskResponse.encode(try generate(items, set.definition, isStopped))
  }

  private func generate(
    _ items: ArraySlice<TaskItem>, _ definition: TaskDefinition,
    _ isStopped: @escaping () -> Bool
  ) throws -> [TaskResponse] {
    let encoder = ContinuationEncoder(tokenizer, maximumLength: maximumLength)
    let (maximum, until) = definition.generation
    let sampling = try SamplingSettings()
    let requests = items.map {
      BatchRequest(
        prompt: encoder.prompt($0.requests[0].context, maximum: maximum), maximum: maximum,
        sampling: sampling, stopStrings: until)
    }
    defer { decoder.use(adapter) }
    var texts: [TaskResponse] = []
    _ = try BatchGenerator(
      decoder, tokenizer: tokenizer, tasks: [adapter],
      size: min(TaskUnits.generated, BatchGenerator.largestSize), isStopped: isStopped
    ).run(requests) { _, answer in texts.append(.text(answer.text)) }
    return texts
  }
}
