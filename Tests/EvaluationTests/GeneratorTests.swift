import DecoderModel
import Evaluation
import Testing

@Suite struct GeneratorTests {
  static let prompt = TinyDecoder.tokens(9)

  /// Greedy tokens by computing the whole sequence again for each of them.
  static func recomputed(_ decoder: Decoder, _ prompt: [Int32], _ count: Int) throws -> [Int32] {
    var tokens = prompt
    for _ in 0..<count {
      // The token of least loss is the most probable one.
      let losses = try (0..<Int32(decoder.config.vocabularySize)).map { candidate in
        var targets = [Int32](repeating: -1, count: tokens.count)
        targets[tokens.count - 1] = candidate
        return try decoder.tokenLosses(tokens, targets: targets)[0]
      }
      tokens.append(Int32(losses.indices.min { losses[$0] < losses[$1] }!))
    }
    return Array(tokens[prompt.count...])
  }

  static func generate(
    _ model: any NextTokenModel, _ prompt: [Int32] = prompt, maximum: Int = 20,
    sampling: SamplingSettings? = nil, stopIDs: [Int32] = [],
    onToken: (Int32) -> Bool = { _ in true }
  ) throws -> GenerationReport {
    try TokenGenerator(model, stopIDs: stopIDs).generate(
      prompt, maximum: maximum, sampling: sampling ?? SamplingSettings(), onToken: onToken)
  }

  @Test(arguments: [1, 8])
  func cachedGreedyIsFullRecomputation(seed: UInt64) throws {
    let decoder = TinyDecoder.make(seed: seed)
    let report = try Self.generate(CachedDecoder(decoder))
    let expected = try Self.recomputed(decoder, Self.prompt, 20)
    #expect(report.tokens == expected)
    let onTwo = try Self.generate(CachedDecoder(TinyDecoder.make(threads: 2, seed: seed)))
    #expect(onTwo.tokens == expected)
    // A decoder that always says the same would pass with a broken cache.
    #expect(Set(expected).count > 3)
    #expect(report.finishReason == .length && report.promptTokens == 9)
    #expect(report.decodeSteps == 19 && report.tokensPerSecond > 0)
  }

  @Test func remembersCommonPrefixes() throws {
    let decoder = TinyDecoder.make()
    let model = CachedDecoder(decoder)
    _ = try Self.generate(model, maximum: 5)
    let longer = Self.prompt + [1, 2, 3]
    let again = try Self.generate(model, longer, maximum: 8)
    #expect(again.reusedTokens >= 9)
    #expect(again.tokens == (try Self.recomputed(decoder, longer, 8)))
    // The very same prompt: its last token is read again.
    let same = try Self.generate(model, longer, maximum: 8)
    #expect(same.reusedTokens == 11 && same.tokens == again.tokens)
    model.use(nil)
    #expect(model.tokens.isEmpty)
    #expect(try Self.generate(model, longer, maximum: 8).tokens == again.tokens)
  }

  @Test func stopTokensEndAndAreLeftOut() throws {
    let all = try Self.generate(CachedDecoder(TinyDecoder.make())).tokens
    let stop = all[7]
    let first = try #require(all.firstIndex(of: stop))
    let report = try Self.generate(CachedDecoder(TinyDecoder.make()), stopIDs: [stop])
    #expect(report.tokens == Array(all[..<first]))
    #expect(report.finishReason == .stop)
  }

  @Test func contextAndCallerEndIt() throws {
    let all = try Self.generate(CachedDecoder(TinyDecoder.make())).tokens
    let small = try Self.generate(CachedDecoder(TinyDecoder.make(), contextLength: 12))
    // 9 of the prompt, 3 more are read, and what they predict is still given.
    #expect(small.tokens == Array(all[..<4]) && small.finishReason == .context)
    let exact = try Self.generate(CachedDecoder(TinyDecoder.make(), contextLength: 9))
    #expect(exact.tokens == [all[0]] && exact.finishReason == .context)
    var seen: [Int32] = []
    let cut = try Self.generate(CachedDecoder(TinyDecoder.make())) {
      seen.append($0)
      return seen.count < 6
    }
    #expect(cut.tokens == Array(all[..<6]) && cut.finishReason == .stop && seen == cut.tokens)
  }

  @Test func sampledRunsRepeatWithTheirSeed() throws {
    func run(_ seed: UInt64, threads: Int) throws -> [Int32] {
      let sampling = try SamplingSettings(temperature: 2, topK: 30, topP: 0.95, seed: seed)
      return try Self.generate(
        CachedDecoder(TinyDecoder.make(threads: threads)), sampling: sampling
      ).tokens
    }
    #expect(try run(7, threads: 1) == run(7, threads: 2))
    #expect(try run(7, threads: 1) != run(8, threads: 1))
  }

  @Test func penaltyCountsPromptAndAnswer() throws {
    // A model that always prefers 4, then 5, then 6; a harsh penalty takes each only once.
    let model = ScriptedModel { _ in [0, 0, 0, 0, 9, 8, 7, 0] }
    let sampling = try SamplingSettings(repetitionPenalty: 100)
    let report = try Self.generate(model, [5], maximum: 3, sampling: sampling)
    // After 4 and 6 all of 4, 5, 6 are below 0.1; they stand above the zeros, 4 first.
    #expect(report.tokens == [4, 6, 4])
  }

  @Test func longPromptsAreReadInPieces() throws {
    let model = ScriptedModel { $0.count == 1200 ? [0, 1] : [1, 0] }
    let prompt = (0..<1200).map { Int32($0 % 7) }
    let report = try Self.generate(model, prompt, maximum: 1)
    #expect(model.chunks == [512, 512, 176] && report.tokens == [1])
    #expect(model.tokens == prompt)
  }

  @Test func stopsOnRequest() throws {
    var polls = 0
    let generator = TokenGenerator(ScriptedModel { _ in [1, 0] }, stopIDs: []) {
      polls += 1
      return polls > 3
    }
    #expect(throws: EvaluationError.stopped) {
      _ = try generator.generate([0], maximum: 100, sampling: SamplingSettings())
    }
    #expect(polls == 4)
  }

  @Test func badRequests() throws {
    let model = CachedDecoder(TinyDecoder.make(), contextLength: 8)
    #expect(throws: EvaluationError.promptTooLong(tokens: 9, context: 8)) {
      _ = try Self.generate(model)
    }
    #expect(throws: EvaluationError.emptyPrompt) { _ = try Self.generate(model, []) }
    #expect(throws: EvaluationError.self) { _ = try Self.generate(model, [1], maximum: 0) }
    #expect(throws: DecoderError.self) { _ = try Self.generate(model, [1, 77]) }
    #expect(throws: EvaluationError.logitNotFinite(position: 2)) {
      _ = try Self.generate(ScriptedModel { _ in [.nan, 0] }, [1, 1])
    }
  }
}

/// Logits as a function of all tokens read.
private final class ScriptedModel: NextTokenModel {
  let contextLength = 4096
  private(set) var tokens: [Int32] = []
  private(set) var chunks: [Int] = []
  private let logits: ([Int32]) -> [Float]

  init(_ logits: @escaping ([Int32]) -> [Float]) { self.logits = logits }

  func truncate(to count: Int) { tokens.removeLast(tokens.count - count) }

  func read(_ tokens: [Int32], into logits: inout [Float]) {
    self.tokens += tokens
    chunks.append(tokens.count)
    logits = self.logits(self.tokens)
  }
}
