internal import ArgumentParser
internal import ChatTemplates
internal import Checkpoints
internal import Datasets
internal import Evaluation
internal import Tokenization

/// What a model is asked.
struct PromptOptions: ParsableArguments {
  @Option(help: "Text to continue. Names of special tokens in it are those tokens.")
  var prompt: String?

  @Option(help: "File with the text to continue.")
  var promptFile: String?

  @Option(help: "Question, put into the model's chat template.")
  var chat: String?

  @Option(
    help: ArgumentHelp(
      "JSON lines, each a request with \"prompt\", \"chat\" or \"messages\".",
      valueName: "file"))
  var requests: String?

  @Flag(help: "Chat in the terminal: /adapter NAME, /reset, /quit.")
  var interactive = false

  @Option(help: "System message of a chat.")
  var system: String?

  @Option(help: "Named chat template in place of the model's own.")
  var chatTemplate: String?

  func validate() throws {
    let ways = [
      prompt != nil, promptFile != nil, chat != nil, requests != nil, interactive,
    ].count(where: \.self)
    guard ways == 1 else {
      throw ValidationError(
        "Give one of --prompt TEXT, --prompt-file FILE, --chat TEXT, --requests FILE and "
          + "--interactive.")
    }
    if chat == nil, requests == nil, !interactive, system != nil || chatTemplate != nil {
      throw ValidationError(
        "--system and --chat-template need --chat, --requests or --interactive.")
    }
  }

  /// The chat template to use.
  func template(_ tokenizer: Tokenizer) throws -> ChatTemplate {
    if let chatTemplate { return try ChatTemplate(named: chatTemplate) }
    guard let template = try tokenizer.chatTemplate() else {
      throw EvaluationError.noChatTemplate
    }
    return template
  }

  func tokens(_ tokenizer: Tokenizer) throws -> [Int32] {
    if let chat {
      let system = system.map { [ChatMessage(role: "system", content: $0)] } ?? []
      return try tokenizer.tokens(
        system + [ChatMessage(role: "user", content: chat)], template(tokenizer))
    }
    if let promptFile {
      let size = try OpenFile(promptFile, .reading).size
      guard size <= TextPerplexity.longestText else {
        throw EvaluationError.textTooLong(bytes: size)
      }
      let bytes = try OpenFile.contents(of: promptFile)
      return tokenizer.encode(bytes: bytes, addSpecial: true, parseSpecial: true)
    }
    return tokenizer.encode(prompt ?? "", addSpecial: true, parseSpecial: true)
  }
}

extension Tokenizer {
  /// A conversation up to where the assistant answers.
  func tokens(_ messages: [ChatMessage], _ template: ChatTemplate) throws -> [Int32] {
    let text = try render(messages, with: template, addGenerationPrompt: true)
    return encode(text, addSpecial: false, parseSpecial: true)
  }
}

/// How the answer is drawn.
struct SamplingOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: "Tokens at most.")
  var maxNewTokens = 256

  @Option(
    parsing: .unconditional,
    help: "0 takes the most probable token; 0.7 is usual for variety.")
  var temperature = 0.0

  @Option(
    parsing: .unconditional,
    help: "Draw from the k most probable tokens only; 0 for all.")
  var topK = 0

  @Option(
    parsing: .unconditional,
    help: "Draw from the fewest tokens that hold this probability; 1 for all.")
  var topP = 1.0

  @Option(
    parsing: .unconditional,
    help: "Draw only tokens at least this part as probable as the most probable; 0 for all.")
  var minP = 0.0

  @Option(
    parsing: .unconditional,
    help: "Make tokens of prompt and answer less probable; 1 is off, 1.1 usual.")
  var repetitionPenalty = 1.0

  @Option(help: "Seed of the draws: the same seed gives the same text.")
  var seed: UInt64 = 42

  @Option(help: "Text that ends the answer; may be repeated.")
  var stop: [String] = []

  var settings: SamplingSettings {
    get throws {
      try SamplingSettings(
        temperature: temperature, topK: topK, topP: topP, minP: minP,
        repetitionPenalty: repetitionPenalty, seed: seed)
    }
  }

  func validate() throws {
    if maxNewTokens < 1 {
      throw ValidationError("--max-new-tokens must be at least 1, not \(maxNewTokens).")
    }
    _ = try usage { try settings }
  }
}
