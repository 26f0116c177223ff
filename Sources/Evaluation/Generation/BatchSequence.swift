internal import DecoderModel
internal import Tokenization

/// A request on its way through a batch, with its own cache, sampler and text.
struct BatchSequence {
  /// Its place among the requests.
  let index: Int
  let request: BatchRequest
  let cache: KeyValueCache
  /// The token that was drawn last and is to be read next.
  private(set) var next: Int32 = 0
  /// Set when it has ended.
  private(set) var answer: BatchAnswer?
  private var report: GenerationReport
  private var text = ""
  private var sampler: Sampler
  private var decoder: StreamingDecoder
  private var filter: StopStrings
  private let stopIDs: Set<Int32>

  init(_ index: Int, _ request: BatchRequest, _ tokenizer: Tokenizer, cache: KeyValueCache) {
    (self.index, self.request, self.cache) = (index, request, cache)
    report = GenerationReport(promptTokens: request.prompt.count)
    sampler = Sampler(request.sampling)
    sampler.observe(request.prompt)
    decoder = StreamingDecoder(tokenizer, skipSpecial: true, atStart: false)
    filter = StopStrings(request.stopStrings)
    stopIDs = Set(tokenizer.stopIDs)
  }

  /// Reads the prompt; the decoder has the task.
  mutating func readPrompt(_ model: Decoder, isStopped: () -> Bool) throws {
    let (clock, prompt) = (ContinuousClock(), request.prompt)
    let start = clock.now
    var logits: [Float] = []
    for from in stride(from: 0, to: prompt.count, by: TokenGenerator.promptChunk) {
      if isStopped() { throw EvaluationError.stopped }
      let to = min(prompt.count, from + TokenGenerator.promptChunk)
      try model.extend(Array(prompt[from..<to]), cache, into: &logits)
    }
    report.promptSeconds = (clock.now - start).seconds
    try take(logits)
  }

  /// Notes a step and draws the next token.
  mutating func take(_ logits: [Float], seconds: Double) throws {
    report.decodeSteps += 1
    report.decodeSeconds += seconds
    try take(logits)
  }

  /// As `TokenGenerator` does it.
  private mutating func take(_ logits: [Float]) throws {
    guard let token = sampler.next(logits) else {
      throw EvaluationError.logitNotFinite(position: cache.count)
    }
    if stopIDs.contains(token) { return end(.stop) }
    report.tokens.append(token)
    text += filter.append(decoder.append(token))
    if filter.isMatched { return end(.stop) }
    if report.tokens.count == request.maximum { return end(.length) }
    if cache.count == cache.capacity { return end(.context) }
    sampler.observe(CollectionOfOne(token))
    next = token
  }

  private mutating func end(_ reason: FinishReason) {
    report.finishReason = reason
    text += filter.append(decoder.finish())
    text += filter.finish()
    answer = BatchAnswer(text: text, report: report)
  }
}
