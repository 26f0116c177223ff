internal import ChatTemplates
internal import DecoderModel
internal import Evaluation
internal import Foundation
internal import Reporting
internal import Tokenization

/// A conversation in the terminal. The model keeps what it has read, so a turn costs its own
/// tokens.
struct Chat {
  let tokenizer: Tokenizer
  let template: ChatTemplate
  let system: String?
  let shelf: AdapterSet
  let generator: TextGenerator
  let maximum: Int
  let settings: SamplingSettings
  let console: Console
  private var messages: [ChatMessage] = []

  init(
    tokenizer: Tokenizer, template: ChatTemplate, system: String?, shelf: AdapterSet,
    generator: TextGenerator, maximum: Int, settings: SamplingSettings, console: Console
  ) {
    (self.tokenizer, self.template, self.system) = (tokenizer, template, system)
    (self.shelf, self.generator, self.maximum) = (shelf, generator, maximum)
    (self.settings, self.console) = (settings, console)
    reset()
  }

  /// Reads lines until the input ends or `/quit`.
  mutating func run(first: AdapterSet.Task) throws {
    use(first)
    console.log("/adapter NAME switches the task, /reset begins anew, /quit leaves.")
    while let line = ask() {
      let words = line.split(separator: " ", maxSplits: 1).map(String.init)
      switch words.first {
      case nil: continue
      case "/quit", "/exit": return
      case "/reset": reset()
      case "/adapter": choose(words.count > 1 ? words[1] : nil)
      case let command? where command.hasPrefix("/"):
        console.warn("no command \(command); there are /adapter NAME, /reset and /quit")
      default: try answer(line)
      }
    }
  }

  private func ask() -> String? {
    if isatty(STDIN_FILENO) == 1 { console.stream("> ") }
    return readLine()
  }

  private mutating func reset() {
    messages = system.map { [ChatMessage(role: "system", content: $0)] } ?? []
  }

  private func choose(_ name: String?) {
    guard let name else {
      console.log("adapters: " + shelf.tasks.map(\.name).joined(separator: ", "))
      return
    }
    do {
      use(try shelf.task(named: name.trimmingCharacters(in: .whitespaces)))
    } catch {
      console.warn("\(error)")
    }
  }

  private func use(_ task: AdapterSet.Task) {
    let milliseconds = shelf.switchTo(task)
    console.log("adapter \(task.name): switched in \(fixed(milliseconds, digits: 3)) ms")
  }

  private mutating func answer(_ question: String) throws {
    messages.append(ChatMessage(role: "user", content: question))
    do {
      let prompt = try tokenizer.tokens(messages, template)
      let (text, report) = try generator.generate(
        prompt, maximum: maximum, sampling: settings, onText: { console.stream($0) })
      console.result()
      console.detail(report.summary)
      messages.append(ChatMessage(role: "assistant", content: text))
    } catch EvaluationError.promptTooLong(let tokens, let context) {
      messages.removeLast()
      console.warn(
        "the conversation has \(tokens) tokens, the context holds \(context); /reset begins anew")
    }
  }
}
