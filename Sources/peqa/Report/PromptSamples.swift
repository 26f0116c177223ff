internal import ChatTemplates
internal import Datasets
internal import DecoderModel
internal import Evaluation
internal import Machine
internal import Planning
internal import Reports
internal import Tokenization
internal import Training

/// What the base and the tuned model make of `report_prompts`.
///
/// Prompts are put as the training data's were: into the chat template for conversations, into the
/// Alpaca prompt for instructions, else as they are. The decoder is the trainer's, which is done.
struct PromptSamples {
  private let setup: TrainSetup
  private let adapter: String
  private let isStopped: () -> Bool

  /// Tokens of an answer at most.
  private static let longestAnswer = 96

  init(_ setup: TrainSetup, adapter: String, isStopped: @escaping () -> Bool) {
    (self.setup, self.adapter, self.isStopped) = (setup, adapter, isStopped)
  }

  func callAsFunction() throws -> [RunFindings.Sample] {
    let texts = setup.config.reportPrompts
    guard !texts.isEmpty else { return [] }
    let decoder = setup.model.decoder
    let prompts = try texts.map(tokens)
    let longest = prompts.map(\.count).max() ?? 0
    let length = min(decoder.config.maximumLength, longest + Self.longestAnswer)
    let memory = ContextMemory(
      config: decoder.config, compute: setup.compute, available: NodeMemory.available())
    try memory.require(length, prompt: longest)
    let cached = CachedDecoder(decoder, contextLength: length)
    let scales = try Adapter.load(adapter, base: setup.base, weights: decoder.weights)
    defer { decoder.use(scales) }
    cached.use(nil)
    let before = try prompts.map { try answer($0, cached) }
    cached.use(scales)
    let after = try prompts.map { try answer($0, cached) }
    return texts.indices.map { index in
      RunFindings.Sample(prompt: texts[index], before: before[index], after: after[index])
    }
  }

  private func answer(_ prompt: [Int32], _ model: CachedDecoder) throws -> String {
    let generator = TextGenerator(model, tokenizer: setup.tokenizer, isStopped: isStopped)
    return try generator.generate(
      prompt, maximum: Self.longestAnswer, sampling: SamplingSettings(temperature: 0)
    ).text
  }

  private func tokens(_ prompt: String) throws -> [Int32] {
    let tokenizer = setup.tokenizer
    switch setup.training.counts.sources.first?.type {
    case .chat, .alpacaChat:
      guard let template = try TrainSetup.template(setup.config, tokenizer) else { break }
      return try tokenizer.tokens([ChatMessage(role: "user", content: prompt)], template)
    case .alpaca, .superNI:
      return tokenizer.encode(
        AlpacaPrompt.text(instruction: prompt), addSpecial: true, parseSpecial: false)
    default: break
    }
    return tokenizer.encode(prompt, addSpecial: true, parseSpecial: true)
  }
}
