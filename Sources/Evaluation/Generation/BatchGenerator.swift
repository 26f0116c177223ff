package import DecoderModel
internal import Kernels
package import Tokenization

/// Answers many requests of several tasks over one base, a few at a time.
///
/// Each step reads one token of every active sequence, and the weights once for all of them. Where
/// one ends, the next request takes its place. What a request gets does not depend on the others.
package final class BatchGenerator {
  private let decoder: Decoder
  private let tokenizer: Tokenizer
  /// Of the requests' indices.
  private let tasks: [RowFactors]
  /// Sequences at a time.
  private let size: Int
  private let isStopped: () -> Bool
  private var report = BatchReport()

  /// - Parameters:
  ///   - tasks: nil is the base.
  ///   - size: at most `Compute.fewTokens`, up to which products read the weights once.
  ///   - isStopped: polled after every chunk of prompt and every step.
  package init(
    _ decoder: Decoder, tokenizer: Tokenizer, tasks: [AdapterScales?], size: Int,
    isStopped: @escaping () -> Bool = { false }
  ) {
    precondition((1...Self.largestSize).contains(size), "a batch has 1...8 sequences")
    (self.decoder, self.tokenizer, self.size) = (decoder, tokenizer, size)
    self.tasks = tasks.map { decoder.rowFactors(of: $0) }
    self.isStopped = isStopped
  }

  package static var largestSize: Int { Compute.fewTokens }

  /// Why a task has to be answered by itself; nil where it shares batches.
  package func obstacle(of task: Int) -> String? { tasks[task].obstacle }

  package func plan(_ requests: [BatchRequest]) -> BatchPlan {
    BatchPlan(requests, tasks: tasks)
  }

  /// Answers all requests; `onAnswer` gets them in their order, each as soon as those before it are
  /// there.
  ///
  /// - Throws: `BatchFailure` where a request's model or prompt is at fault, `EvaluationError`, and
  ///   what `onAnswer` throws.
  package func run(
    _ requests: [BatchRequest], onAnswer: (_ request: Int, BatchAnswer) throws -> Void
  ) throws -> BatchReport {
    report = BatchReport()
    var answers = [BatchAnswer?](repeating: nil, count: requests.count)
    var given = 0
    for round in plan(requests).rounds {
      try answer(round[...], of: requests) { sequence in
        answers[sequence.index] = sequence.answer
        while given < answers.count, let answer = answers[given] {
          try onAnswer(given, answer)
          answers[given] = nil
          given += 1
        }
      }
    }
    return report
  }

  /// One round: sequences that may be in a batch together.
  private func answer(
    _ round: ArraySlice<Int>, of requests: [BatchRequest],
    onEnd: (BatchSequence) throws -> Void
  ) throws {
    var (waiting, active) = (round, [BatchSequence]())
    while !waiting.isEmpty || !active.isEmpty {
      if active.count < size, let index = waiting.popFirst() {
        let sequence = try begin(index, requests[index])
        if sequence.answer == nil { active.append(sequence) } else { try onEnd(sequence) }
        continue
      }
      if isStopped() { throw EvaluationError.stopped }
      try step(&active)
      for sequence in active where sequence.answer != nil { try onEnd(sequence) }
      active.removeAll { $0.answer != nil }
    }
  }

  private func begin(_ index: Int, _ request: BatchRequest) throws -> BatchSequence {
    let limit = decoder.config.maximumLength
    return try naming(index) {
      guard request.maximum >= 1 else {
        throw EvaluationError.badSetting(
          flag: "--max-new-tokens", reason: "\(request.maximum) is none; use at least 1")
      }
      guard !request.prompt.isEmpty else { throw EvaluationError.emptyPrompt }
      guard request.prompt.count <= limit else {
        throw EvaluationError.promptTooLong(tokens: request.prompt.count, context: limit)
      }
      decoder.use(tasks[request.task].task)
      var sequence = BatchSequence(
        index, request, tokenizer,
        cache: decoder.cache(capacity: request.contextLength(limit: limit)))
      let (clock, start) = (ContinuousClock(), ContinuousClock.now)
      try sequence.readPrompt(decoder, isStopped: isStopped)
      report.promptTokens += request.prompt.count
      report.promptSeconds += (clock.now - start).seconds
      return sequence
    }
  }

  /// One token of each sequence.
  private func step(_ active: inout [BatchSequence]) throws {
    let start = ContinuousClock.now
    var logits: [[Float]] = []
    try decoder.extend(
      active.map(\.next), active.map(\.cache), tasks: active.map { tasks[$0.request.task] },
      into: &logits)
    let seconds = (ContinuousClock.now - start).seconds
    for place in active.indices {
      try naming(active[place].index) { try active[place].take(logits[place], seconds: seconds) }
    }
    report.steps += 1
    report.decodeTokens += active.count
    report.decodeSeconds += (ContinuousClock.now - start).seconds
  }

  private func naming<Value>(_ request: Int, _ work: () throws -> Value) throws -> Value {
    do { return try work() } catch EvaluationError.stopped { throw EvaluationError.stopped } catch {
      throw BatchFailure(request: request, reason: error)
    }
  }
}
