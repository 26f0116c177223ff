internal import ArgumentParser
internal import Checkpoints
internal import DecoderModel
internal import Evaluation
internal import Foundation
internal import JSONText
internal import Kernels
internal import Machine
internal import Planning
internal import Reporting
internal import Tokenization
internal import Training

/// `peqa generate`: continues a prompt or answers a question, once for each adapter.
struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Let a model write: continue a prompt, answer a question, or chat.",
    discussion: """
      The answer streams to stdout. With several --adapter each answers the same prompt; switching \
      swaps scales and leaves the base where it is. With --requests every line of a file is a \
      prompt with an adapter of its own choice, and several are answered at a time.
      """)

  @Argument(help: "A base, a Hugging Face directory or a GGUF file.")
  var base: String

  @Option(help: "Directory of an adapter; may be repeated.")
  var adapter: [String] = []

  @OptionGroup var prompting: PromptOptions
  @OptionGroup var batching: BatchOptions
  @OptionGroup var sampling: SamplingOptions
  @OptionGroup var computing: ComputeOptions
  @OptionGroup var streaming: StreamingOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var verbosity: VerbosityOptions

  func validate() throws {
    if output.json, prompting.interactive {
      throw ValidationError("--interactive is for people; leave --json out.")
    }
    try batching.validate(hasRequests: prompting.requests != nil)
  }

  func run() throws {
    let console = Console(verbosity: verbosity.level)
    if let file = prompting.requests { return try answerRequests(of: file, console) }
    let settings = try sampling.settings
    if !settings.flagsWithoutEffect.isEmpty {
      console.warn(
        "\(settings.flagsWithoutEffect.joined(separator: ", ")) without effect at --temperature 0")
    }
    let tokenizer = try Tokenizer.load(from: base)
    let prompt = prompting.interactive ? nil : try prompting.tokens(tokenizer)
    let model = try LoadedModel.open(base)
    let compute = try computing.compute(automatic: .ofOneProcess(console), of: model)
    let uncached = Decoder(config: model.config, weights: model.weights, compute: compute)
    let memory = ContextMemory(
      config: model.config, compute: compute, available: NodeMemory.available())
    let length = try contextLength(prompt, memory, console)
    streaming.apply(
      to: uncached, model, length: min(length, TokenGenerator.promptChunk), cached: length,
      available: memory.available, console)
    let decoder = CachedDecoder(uncached, contextLength: length)
    let shelf = try AdapterSet(adapter, model: model, use: decoder.use)
    let generator = TextGenerator(
      decoder, tokenizer: tokenizer, stopStrings: sampling.stop)
    guard let prompt else {
      let template = try prompting.template(tokenizer)
      var chat = Chat(
        tokenizer: tokenizer, template: template, system: prompting.system, shelf: shelf,
        generator: generator, maximum: sampling.maxNewTokens, settings: settings,
        console: console)
      return try chat.run(first: shelf.tasks.count > 1 ? shelf.tasks[1] : shelf.tasks[0])
    }
    var answers: [Answer] = []
    for task in adapter.isEmpty ? shelf.tasks : Array(shelf.tasks.dropFirst()) {
      answers.append(try answer(prompt, task, shelf, generator, settings, console))
    }
    if output.json { show(answers, compute, settings, console) }
  }

  /// Room for what is asked for, as far as the model goes. A chat may fill 8192 tokens, or what
  /// fits into memory.
  private func contextLength(
    _ prompt: [Int32]?, _ memory: ContextMemory, _ console: Console
  ) throws -> Int {
    guard let prompt else {
      let wanted = min(memory.config.maximumLength, 8192)
      let length = max(1, memory.longest(upTo: wanted))
      if length < wanted {
        console.warn("the chat has room for \(length) tokens: there is no memory for \(wanted)")
      }
      return length
    }
    let wanted = prompt.count.addingReportingOverflow(sampling.maxNewTokens)
    let length = min(
      memory.config.maximumLength, wanted.overflow ? Int.max : wanted.partialValue)
    try memory.require(length, prompt: prompt.count)
    return length
  }

  private struct Answer {
    let task: AdapterSet.Task
    let switchMilliseconds: Double
    let text: String
    let report: GenerationReport
  }

  private func answer(
    _ prompt: [Int32], _ task: AdapterSet.Task, _ shelf: AdapterSet, _ generator: TextGenerator,
    _ settings: SamplingSettings, _ console: Console
  ) throws -> Answer {
    let milliseconds = shelf.switchTo(task)
    if let path = task.path {
      console.log("adapter \(path): switched in \(fixed(milliseconds, digits: 3)) ms")
    }
    if adapter.count > 1, !output.json { console.result("--- \(task.path ?? task.name)") }
    let (text, report) = try generator.generate(
      prompt, maximum: sampling.maxNewTokens, sampling: settings,
      onText: { if !output.json { console.stream($0) } })
    if !output.json { console.result() }
    console.log(report.summary)
    return Answer(task: task, switchMilliseconds: milliseconds, text: text, report: report)
  }

  private func show(
    _ answers: [Answer], _ compute: Compute, _ settings: SamplingSettings, _ console: Console
  ) {
    let objects = answers.map { answer -> JSONValue in
      let report = answer.report
      return [
        "text": .string(answer.text), "tokens_per_second": .real(report.tokensPerSecond),
        "prompt_tokens": .integer(report.promptTokens),
        "prompt_tokens_per_second": .real(report.promptTokensPerSecond),
        "generated_tokens": .integer(report.tokens.count),
        "finish_reason": .string(report.finishReason.rawValue), "model": .string(base),
        "adapter": answer.task.path.map { .string($0) } ?? .null,
        "adapter_switch_ms": answer.task.path == nil ? .null : .real(answer.switchMilliseconds),
        "adapter_load_ms": answer.task.path == nil ? .null : .real(answer.task.loadMilliseconds),
        "seed": Int(exactly: settings.seed).map { .integer($0) } ?? .string("\(settings.seed)"),
        "dtype": .string(compute.products),
        "kernel_path": .string(compute.instructionSet.rawValue),
        "threads": .integer(compute.pool.threads),
      ]
    }
    console.result((objects.count == 1 ? objects[0] : ["answers": .array(objects)]).text())
  }
}

extension GenerationReport {
  /// One line for people.
  var summary: String {
    """
    \(promptTokens) prompt tokens at \(fixed(promptTokensPerSecond, digits: 0))/s, \
    \(tokens.count) generated at \(fixed(tokensPerSecond, digits: 1))/s (\(finishReason.rawValue))
    """
  }
}
