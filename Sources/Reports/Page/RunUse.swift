internal import RunHistory

/// What to do with the result, or how to go on.
struct RunUse {
  private let record: RunRecord
  private let state: RunState

  init(_ record: RunRecord, _ state: RunState) { (self.record, self.state) = (record, state) }

  var html: HTML? {
    let commands = commands
    guard !commands.isEmpty else { return nil }
    let parts = commands.map { "<p>\($0.what)</p>\n\(Block.code($0.command))" as HTML }
    return "<section class=\"use\">\n<h2>Use it</h2>\n\(parts.joined())\n</section>"
  }

  private var model: String { record.life?.model ?? record.settings.text("model") ?? "" }

  private var commands: [(what: String, command: String)] {
    var all: [(String, String)] = []
    if ![.finished, .running].contains(state), let life = record.life, !life.arguments.isEmpty {
      let what =
        record.checkpoints.isEmpty ? "Start it again:" : "Go on from the newest checkpoint:"
      all.append((what, Self.line(withoutPause(life.arguments), ranks: life.ranks)))
    }
    guard !model.isEmpty, let adapter = record.adapterFolder else { return all }
    let (base, scales) = (Figures.shell(model), Figures.shell(adapter))
    let ask = isConversation ? "--chat 'Ask it something'" : "--prompt 'Once upon a time'"
    all.append(("Ask the tuned model:", "peqa generate \(base) --adapter \(scales) \(ask)"))
    all.append(
      (
        "Make a file for llama.cpp of it:",
        "peqa export \(base) --adapter \(scales) --format gguf -o \(Figures.shell(exported))"
      ))
    return all
  }

  /// The words of a command that goes past the step at which the run paused.
  private func withoutPause(_ words: [String]) -> [String] {
    guard let pause = record.settings.number("stop_at_step"), pause > 0,
      let reached = record.checkpoints.last, Double(reached) >= pause
    else { return words }
    let flag = "--stop-at-step"
    var kept: [String] = []
    var isValue = false
    for word in words {
      if !isValue, word != flag, !word.hasPrefix(flag + "=") { kept.append(word) }
      isValue = word == flag
    }
    return kept.count < words.count ? kept : words + [flag, "0"]
  }

  /// The model was trained to answer, as far as the data tells, and knows how it is asked.
  private var isConversation: Bool {
    let isText = ["text", "completion"].contains(record.life?.data?.types.first ?? "")
    return record.hasChatTemplate && !isText
  }

  private var exported: String { "\(record.name).gguf" }

  /// The command line of a run; that of the launcher is not known.
  static func line(_ arguments: [String], ranks: Int) -> String {
    let words = arguments.map(Figures.shell).joined(separator: " ")
    return ranks > 1 ? "mpirun -np \(ranks) \(words)" : words
  }
}
