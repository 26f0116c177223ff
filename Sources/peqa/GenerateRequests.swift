internal import ArgumentParser
internal import ChatTemplates
internal import Checkpoints
internal import DecoderModel
internal import Evaluation
internal import ExitCodes
internal import JSONText
internal import Kernels
internal import Machine
internal import Planning
internal import Reporting
internal import Tokenization

/// How the requests of a file are answered.
struct BatchOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: "Requests of --requests that are answered at a time, 1 to 8. (default: 8)")
  var batch: Int?

  @Option(
    name: .customLong("output"),
    help: ArgumentHelp(
      "New file for the answers of --requests. (default: stdout)", valueName: "file"))
  var answers: String?

  var size: Int { batch ?? BatchGenerator.largestSize }

  func validate(hasRequests: Bool) throws {
    if !hasRequests, batch != nil || answers != nil {
      throw ValidationError("--batch and --output need --requests.")
    }
    guard (1...BatchGenerator.largestSize).contains(size) else {
      throw ValidationError("--batch must be in 1...\(BatchGenerator.largestSize), not \(size).")
    }
  }
}

extension Generate {
  /// Answers every line of a file, as JSON lines in the same order.
  func answerRequests(of path: String, _ console: Console) throws {
    let size = try OpenFile(path, .reading).size
    guard size <= TextPerplexity.longestText else { throw EvaluationError.textTooLong(bytes: size) }
    let bytes = try OpenFile.contents(of: path)
    let tokenizer = try Tokenizer.load(from: base)
    let model = try LoadedModel.open(base)
    let compute = try computing.compute(automatic: .ofOneProcess(console), of: model)
    let decoder = Decoder(config: model.config, weights: model.weights, compute: compute)
    let shelf = try AdapterSet(adapter, model: model, use: decoder.use)
    var preparation = RequestPreparation(
      tokenizer, prompting, shelf, contextLength: model.config.maximumLength)
    let (lines, requests) = try preparation.requests(
      bytes, path: path,
      .init(sampling: sampling.settings, maximum: sampling.maxNewTokens, stop: sampling.stop))
    let batch = try room(for: requests, decoder, model, console)
    let generator = BatchGenerator(
      decoder, tokenizer: tokenizer, tasks: shelf.tasks.map(\.scales), size: batch)
    explain(requests, shelf, generator, console)
    let file = try batching.answers.map { try OpenFile($0, .creating) }
    do {
      let report = try generator.run(requests) { index, answer in
        let object = Self.object(
          answer, to: requests[index], lines[index], shelf.tasks[requests[index].task])
        if let file {
          try file.append(Array((object.text() + "\n").utf8))
        } else {
          console.result(object.text())
        }
      }
      try file?.sync()
      console.log(Self.summary(report, requests, shelf))
    } catch let failure as BatchFailure {
      throw RequestFailure(path: path, line: lines[failure.request].number, failure.reason)
    }
  }

  /// How many sequences there is memory for, the base streamed where it does not fit beside them.
  private func room(
    for requests: [BatchRequest], _ decoder: Decoder, _ model: LoadedModel, _ console: Console
  ) throws -> Int {
    let memory = ContextMemory(
      config: model.config, compute: decoder.compute, available: NodeMemory.available())
    let lengths = requests.map { $0.contextLength(limit: model.config.maximumLength) }
      .sorted(by: >)
    let longest = lengths[0]
    let pass = min(longest, TokenGenerator.promptChunk)
    // Of a length that the longest requests are counted with; 0 new tokens stand for "any prompt".
    try memory.require(longest, prompt: 0)
    let wanted = min(batching.size, requests.count)
    let size = (1...wanted).last { size in
      MemoryPlan.forwardBytes(
        model.config, length: pass, cached: lengths.prefix(size).reduce(0, +),
        compute: decoder.compute) <= memory.available ?? .max
    }
    if let size, size < wanted {
      console.warn("\(size) requests at a time: there is no memory for the contexts of \(wanted)")
    }
    let fits = size ?? 1
    streaming.apply(
      to: decoder, model, length: pass, cached: lengths.prefix(fits).reduce(0, +),
      available: memory.available, console)
    return fits
  }

  /// Says what of the command line or the file has no effect, and who is answered alone.
  private func explain(
    _ requests: [BatchRequest], _ shelf: AdapterSet, _ generator: BatchGenerator,
    _ console: Console
  ) {
    let used = Set(requests.map(\.task))
    for (index, task) in shelf.tasks.enumerated().dropFirst() where !used.contains(index) {
      console.warn("adapter \(task.path ?? task.name) is named by no request")
    }
    let idle = Set(requests.flatMap(\.sampling.flagsWithoutEffect)).sorted()
    if !idle.isEmpty {
      console.warn("\(idle.joined(separator: ", ")) without effect on requests at temperature 0")
    }
    guard used.count > 1 else { return }
    for index in used.sorted() {
      guard let obstacle = generator.obstacle(of: index) else { continue }
      let task = shelf.tasks[index]
      console.warn(
        "adapter \(task.path ?? task.name): \(obstacle). Its requests are answered by themselves; "
          + "one trained with scale_granularity: row over a base without minima is not held apart.")
    }
  }

  private static func object(
    _ answer: BatchAnswer, to request: BatchRequest, _ line: RequestLine, _ task: AdapterSet.Task
  ) -> JSONValue {
    let (report, seed) = (answer.report, request.sampling.seed)
    return [
      "id": line.id, "text": .string(answer.text),
      "adapter": task.path.map { .string($0) } ?? .null,
      "prompt_tokens": .integer(report.promptTokens),
      "generated_tokens": .integer(report.tokens.count),
      "finish_reason": .string(report.finishReason.rawValue),
      "seed": Int(exactly: seed).map { .integer($0) } ?? .string("\(seed)"),
    ]
  }

  private static func summary(
    _ report: BatchReport, _ requests: [BatchRequest], _ shelf: AdapterSet
  ) -> String {
    let counts = shelf.tasks.enumerated().compactMap { index, task in
      let count = requests.count { $0.task == index }
      return count == 0 ? nil : "\(task.path ?? task.name) \(count)"
    }
    return """
      \(requests.count) answers: \(report.promptTokens) prompt tokens at \
      \(fixed(report.promptTokensPerSecond, digits: 0))/s, decoded \(report.decodeTokens) tokens \
      in \(fixed(report.decodeSeconds, digits: 3)) s, \
      \(fixed(report.tokensPerSecond, digits: 1))/s, in \(report.steps) steps of \
      \(fixed(report.sequencesPerStep, digits: 2)) sequences; requests by adapter: \
      \(counts.joined(separator: ", "))
      """
  }
}

/// From lines to requests: prompts as tokens, adapters opened. Gathers what is wrong with any line.
private struct RequestPreparation {
  private let tokenizer: Tokenizer
  private let prompting: PromptOptions
  private let shelf: AdapterSet
  private let contextLength: Int
  private let template: Result<ChatTemplate, any Error>
  /// By what a line says: its place on the shelf, or what is wrong with it.
  private var places: [String: Result<Int, Unusable>] = [:]
  private var faults: [RequestFault] = []

  private struct Unusable: Error { let text: String }

  init(
    _ tokenizer: Tokenizer, _ prompting: PromptOptions, _ shelf: AdapterSet, contextLength: Int
  ) {
    (self.tokenizer, self.prompting, self.shelf) = (tokenizer, prompting, shelf)
    self.contextLength = contextLength
    template = Result { try prompting.template(tokenizer) }
  }

  /// Throws `RequestFaults` where any line is wrong.
  mutating func requests(
    _ bytes: [UInt8], path: String, _ defaults: RequestLine.Defaults
  ) throws -> ([RequestLine], [BatchRequest]) {
    let (lines, unreadable) = RequestLine.parse(bytes, defaults)
    faults = unreadable
    let requests = lines.compactMap { request($0) }
    guard faults.isEmpty else {
      // Of one line in the order in which they were found.
      let sorted = faults.enumerated().sorted {
        ($0.element.line, $0.offset) < ($1.element.line, $1.offset)
      }
      throw RequestFaults(path: path, faults: sorted.map(\.element))
    }
    return (lines, requests)
  }

  private mutating func request(_ line: RequestLine) -> BatchRequest? {
    var task: Int?
    do { task = try place(of: line.adapter) } catch { note(line, "adapter: \(error.text)") }
    do {
      let prompt = try tokens(line.question)
      guard !prompt.isEmpty else { throw EvaluationError.emptyPrompt }
      guard prompt.count <= contextLength else {
        throw EvaluationError.promptTooLong(tokens: prompt.count, context: contextLength)
      }
      return task.map {
        BatchRequest(
          prompt: prompt, task: $0, maximum: line.maximum, sampling: line.sampling,
          stopStrings: line.stop)
      }
    } catch {
      note(line, "\(error)")
      return nil
    }
  }

  private mutating func note(_ line: RequestLine, _ text: String) {
    faults.append(RequestFault(line: line.number, text: text))
  }

  private func tokens(_ question: RequestLine.Question) throws -> [Int32] {
    switch question {
    case .text(let text): return tokenizer.encode(text, addSpecial: true, parseSpecial: true)
    case .messages(let messages):
      let hasSystem = messages.first?.role == "system"
      let system = prompting.system.flatMap {
        hasSystem ? nil : ChatMessage(role: "system", content: $0)
      }
      return try tokenizer.tokens((system.map { [$0] } ?? []) + messages, template.get())
    }
  }

  private mutating func place(of adapter: String?) throws(Unusable) -> Int {
    guard let adapter else { return 0 }
    if let known = places[adapter] { return try known.get() }
    let shelf = shelf
    let found = Result { () throws(Unusable) in try Self.find(adapter, on: shelf) }
    places[adapter] = found
    return try found.get()
  }

  private static func find(_ adapter: String, on shelf: AdapterSet) throws(Unusable) -> Int {
    let tasks = shelf.tasks
    if let place = tasks.firstIndex(where: { $0.path == adapter }) { return place }
    let named = tasks.indices.filter { tasks[$0].name == adapter }
    if named.count > 1 {
      let paths = named.map { tasks[$0].path ?? "the base" }.joined(separator: ", ")
      throw Unusable(text: "\"\(adapter)\" is the name of \(paths); give the path")
    }
    if let place = named.first { return place }
    guard Adapter.isAdapter(adapter) else {
      let names = tasks.map(\.name).joined(separator: ", ")
      throw Unusable(
        text: "\"\(adapter)\" is no folder with an adapter and none of the names \(names)")
    }
    do { _ = try shelf.add(adapter) } catch { throw Unusable(text: "\(error)") }
    return shelf.tasks.count - 1
  }
}

/// A request that could not be answered; the answers before it stand.
private struct RequestFailure: ExitCoded, CustomStringConvertible {
  let exitCode: Int32
  let description: String

  init(path: String, line: Int, _ reason: any Error) {
    exitCode = (reason as? any ExitCoded)?.exitCode ?? 1
    description = "\(path):\(line): \(reason)"
  }
}
