/// Why a generation ended.
package enum FinishReason: String, Sendable {
  /// The model gave a stop token, or a stop string came up.
  case stop
  /// As many tokens as asked for.
  case length
  /// The model's context is full.
  case context
}

/// What was generated, and how fast.
package struct GenerationReport: Sendable, Equatable {
  /// Without the stop token.
  package var tokens: [Int32] = []
  package var finishReason = FinishReason.length
  package var promptTokens = 0
  /// Tokens of the prompt that the model still remembered from before.
  package var reusedTokens = 0
  package var promptSeconds = 0.0
  /// Tokens read one by one after the prompt.
  package var decodeSteps = 0
  package var decodeSeconds = 0.0

  package var promptTokensPerSecond: Double {
    promptSeconds > 0 ? Double(promptTokens - reusedTokens) / promptSeconds : 0
  }

  /// Steps of decoding a second, sampling included; 0 where there was none.
  package var tokensPerSecond: Double {
    decodeSeconds > 0 ? Double(decodeSteps) / decodeSeconds : 0
  }
}

/// Continues a prompt token by token.
package struct TokenGenerator {
  private let model: any NextTokenModel
  private let stopIDs: Set<Int32>
  private let isStopped: () -> Bool

  /// Tokens of a prompt that are read at once; bounds the memory of a long prompt.
  package static let promptChunk = 512

  /// `isStopped` is polled after every chunk of prompt and every token.
  package init(
    _ model: any NextTokenModel, stopIDs: some Sequence<Int32>,
    isStopped: @escaping () -> Bool = { false }
  ) {
    self.model = model
    self.stopIDs = Set(stopIDs)
    self.isStopped = isStopped
  }

  /// Generates at most `maximum` tokens behind `prompt`.
  ///
  /// Tokens that the model remembers and that begin the prompt are not read again.
  ///
  /// - Parameter onToken: gets each token as it comes; false ends the generation with `.stop`.
  /// - Throws: `EvaluationError`; what the model throws.
  package func generate(
    _ prompt: [Int32], maximum: Int, sampling: SamplingSettings,
    onToken: (Int32) -> Bool = { _ in true }
  ) throws -> GenerationReport {
    guard maximum >= 1 else {
      throw EvaluationError.badSetting(
        flag: "--max-new-tokens", reason: "\(maximum) is none; use at least 1")
    }
    var report = GenerationReport(promptTokens: prompt.count)
    let clock = ContinuousClock()
    let start = clock.now
    var logits = try read(prompt, &report)
    let promptEnd = clock.now
    report.promptSeconds = (promptEnd - start).seconds
    var sampler = Sampler(sampling)
    sampler.observe(prompt)
    while true {
      guard let token = sampler.next(logits) else {
        throw EvaluationError.logitNotFinite(position: model.tokens.count)
      }
      if let reason = take(token, maximum, &report, onToken) {
        report.finishReason = reason
        break
      }
      if isStopped() { throw EvaluationError.stopped }
      sampler.observe(CollectionOfOne(token))
      try model.read([token], into: &logits)
      report.decodeSteps += 1
    }
    report.decodeSeconds = (clock.now - promptEnd).seconds
    return report
  }

  /// Adds a token to the report; why to end, where it was the last one.
  private func take(
    _ token: Int32, _ maximum: Int, _ report: inout GenerationReport, _ onToken: (Int32) -> Bool
  ) -> FinishReason? {
    if stopIDs.contains(token) { return .stop }
    report.tokens.append(token)
    if !onToken(token) { return .stop }
    if report.tokens.count == maximum { return .length }
    return model.tokens.count == model.contextLength ? .context : nil
  }

  /// Logits after the prompt.
  private func read(_ prompt: [Int32], _ report: inout GenerationReport) throws -> [Float] {
    guard !prompt.isEmpty else { throw EvaluationError.emptyPrompt }
    guard prompt.count <= model.contextLength else {
      throw EvaluationError.promptTooLong(tokens: prompt.count, context: model.contextLength)
    }
    // The last token is read in any case: its logits are needed.
    let common = zip(model.tokens, prompt.dropLast()).prefix { $0 == $1 }.count
    model.truncate(to: common)
    report.reusedTokens = common
    var logits: [Float] = []
    for start in stride(from: common, to: prompt.count, by: Self.promptChunk) {
      if isStopped() { throw EvaluationError.stopped }
      let end = min(prompt.count, start + Self.promptChunk)
      try model.read(Array(prompt[start..<end]), into: &logits)
    }
    return logits
  }
}
