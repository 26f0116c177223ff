import DecoderModel
import Evaluation
import Foundation
import Kernels
import Testing
import Tokenization

/// Requests of several tasks, a few at a time, over tiny bases.
@Suite struct BatchGeneratorTests {
  private struct Bench {
    let decoder: Decoder
    let tokenizer: Tokenizer
    let tasks: [AdapterScales?]

    init(
      _ name: String, _ granularity: ScaleGranularity = .row, precision: Precision = .fp32
    ) throws {
      let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "DecoderModelTests/Fixtures/\(name)").path
      let model = try LoadedModel.open(path)
      tokenizer = try Tokenizer.load(from: path)
      decoder = Decoder(
        config: model.config, weights: model.weights,
        compute: Compute(pool: WorkerPool(threads: 2), precision: precision))
      tasks =
        [nil]
        + (1..<UInt64(4)).map { seed in
          var random = SplitMix64(seed: seed)
          let scales = TrainableScales(
            weights: model.weights, granularity: granularity, parametrization: .relative)
          let masters = (0..<scales.count).map { _ in Float(random.unitInterval() - 0.5) }
          _ = masters.withUnsafeBufferPointer { scales.setMasters($0) }
          return scales.task
        }
    }

    /// Answers of a batch, in their order.
    func run(_ requests: [BatchRequest], size: Int) throws -> [BatchAnswer] {
      let generator = BatchGenerator(decoder, tokenizer: tokenizer, tasks: tasks, size: size)
      var (answers, order): ([BatchAnswer], [Int]) = ([], [])
      let report = try generator.run(requests) {
        order.append($0)
        answers.append($1)
      }
      #expect(order == Array(requests.indices))
      #expect(report.decodeTokens == answers.reduce(0) { $0 + $1.report.decodeSteps })
      #expect(report.promptTokens == requests.reduce(0) { $0 + $1.prompt.count })
      return answers
    }

    /// What `TextGenerator` says to one request.
    func alone(_ request: BatchRequest) throws -> (String, GenerationReport) {
      let model = CachedDecoder(
        decoder, contextLength: request.contextLength(limit: decoder.config.maximumLength))
      model.use(tasks[request.task])
      return try TextGenerator(model, tokenizer: tokenizer, stopStrings: request.stopStrings)
        .generate(request.prompt, maximum: request.maximum, sampling: request.sampling)
    }

    /// Of unequal prompts and lengths, over all tasks, one with a long prompt.
    func requests(_ temperature: Double, count: Int = 11) throws -> [BatchRequest] {
      try (0..<count).map { index in
        let prompt = TinyDecoder.tokens(index == 4 ? 30 : 2 + index * 5 % 7, seed: UInt64(index))
        return BatchRequest(
          prompt: prompt, task: index * 3 % 4, maximum: 3 + index * 7 % 12,
          sampling: try SamplingSettings(
            temperature: temperature, topP: 0.95, repetitionPenalty: 1.1, seed: UInt64(index)))
      }
    }
  }

  private func same(_ a: BatchAnswer, _ text: String, _ report: GenerationReport) -> Bool {
    a.text == text && a.report.tokens == report.tokens
      && a.report.finishReason == report.finishReason
      && a.report.decodeSteps == report.decodeSteps
  }

  /// Row scales: every request gets, token for token, what the task gives by itself, whatever the
  /// size of the batch and the order.
  @Test(arguments: ["llama_4bit_row", "mixtral_4bit_row"], Precision.allCases)
  func rowScalesAnswerAsAlone(_ name: String, _ precision: Precision) throws {
    let bench = try Bench(name, precision: precision)
    for temperature in [0, 1.3] {
      let requests = try bench.requests(temperature)
      let expected = try requests.map { try bench.alone($0) }
      for size in [1, 3, 8] {
        for (answer, alone) in zip(try bench.run(requests, size: size), expected) {
          #expect(same(answer, alone.0, alone.1), "\(temperature) \(size)")
        }
      }
      let reversed = try bench.run(requests.reversed(), size: 8).reversed()
      for (answer, alone) in zip(reversed, expected) { #expect(same(answer, alone.0, alone.1)) }
      // Tasks differ in what they say.
      #expect(Set(expected.map { $0.1.tokens }).count > 6)
    }
  }

  /// Gains: an answer does not depend on the others.
  @Test func gainsDoNotDependOnOthers() throws {
    let bench = try Bench("llama_3bit_g32")
    let requests = try bench.requests(1.1)
    let all = try bench.run(requests, size: 8)
    for size in [1, 2] {
      for (one, other) in zip(try bench.run(requests, size: size), all) {
        #expect(same(one, other.text, other.report))
      }
    }
  }

  /// Scales of groups are answered one task after the other, and still in the requests' order.
  @Test func groupScalesAreAnsweredInRounds() throws {
    let bench = try Bench("llama_3bit_g32", .group)
    let requests = try bench.requests(0.8)
    let generator = BatchGenerator(
      bench.decoder, tokenizer: bench.tokenizer, tasks: bench.tasks, size: 8)
    #expect(
      generator.plan(requests).rounds == [[0, 4, 8], [3, 7], [2, 6, 10], [1, 5, 9]])
    #expect((0..<4).map { generator.obstacle(of: $0) == nil } == [true, false, false, false])
    for (answer, request) in zip(try bench.run(requests, size: 8), requests) {
      let alone = try bench.alone(request)
      #expect(same(answer, alone.0, alone.1))
    }
  }

  @Test func stopStringsLengthsAndContexts() throws {
    let bench = try Bench("llama_4bit_row")
    let limit = bench.decoder.config.maximumLength
    var requests = try bench.requests(0, count: 6)
    let free = try bench.alone(requests[1])
    // A stop string out of the middle of what is said without it.
    let middle = free.0.dropFirst(free.0.count / 2).prefix(2)
    requests[1].stopStrings = [String(middle)]
    requests[2].maximum = 1
    // All but two tokens of the context are prompt.
    requests[3].prompt = TinyDecoder.tokens(limit - 2)
    requests[3].maximum = 100
    requests[5].maximum = .max
    let answers = try bench.run(requests, size: 4)
    for (answer, request) in zip(answers, requests) {
      let alone = try bench.alone(request)
      #expect(same(answer, alone.0, alone.1))
    }
    #expect(answers[1].report.finishReason == .stop && free.0.hasPrefix(answers[1].text))
    #expect(answers[1].text.count < free.0.count)
    #expect(answers[2].report.tokens.count == 1 && answers[2].report.decodeSteps == 0)
    #expect(answers[3].report.finishReason != .length && answers[3].report.tokens.count <= 3)
  }

  @Test func aBadRequestIsNamed() throws {
    let bench = try Bench("llama_4bit_row")
    var requests = try bench.requests(0, count: 3)
    requests[2].prompt = []
    requests[2].task = 1
    var given: [Int] = []
    let generator = BatchGenerator(
      bench.decoder, tokenizer: bench.tokenizer, tasks: bench.tasks, size: 1)
    let failure = #expect(throws: BatchFailure.self) {
      _ = try generator.run(requests) { index, _ in given.append(index) }
    }
    #expect(failure?.request == 2 && failure?.reason as? EvaluationError == .emptyPrompt)
    #expect(given == [0, 1])
  }

  @Test func stopsOnRequest() throws {
    let bench = try Bench("llama_4bit_row")
    var polls = 0
    let generator = BatchGenerator(
      bench.decoder, tokenizer: bench.tokenizer, tasks: bench.tasks, size: 2
    ) {
      polls += 1
      return polls > 4
    }
    #expect(throws: EvaluationError.stopped) {
      _ = try generator.run(try bench.requests(0)) { _, _ in }
    }
    #expect(polls == 5)
  }
}
