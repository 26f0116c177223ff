internal import ChatTemplates
internal import JSONText

/// Turns the records of a subtask into requests.
struct TaskPrompts {
  private let definition: TaskDefinition
  private let shots: Int
  private var sampler: ExampleSampler
  private let pool: [TaskDocument]
  /// Texts of examples, by their places in the pool.
  private var examples: [Int: String] = [:]

  /// - Parameters:
  ///   - name: of the subtask, for messages.
  ///   - pool: what examples are chosen from.
  init(_ definition: TaskDefinition, name: String, shots: Int, pool: [TaskDocument]) {
    (self.definition, self.shots, self.pool) = (definition, shots, pool)
    sampler = ExampleSampler(definition.sampler, pool: pool, task: name)
  }

  mutating func item(_ number: Int, _ record: TaskDocument) throws(TaskError) -> TaskItem {
    let document = try record.adding(definition.fields)
    var context = ""
    if let description = definition.description {
      context += try document.text(of: description, called: "description", shots: shots)
    }
    if shots > 0, definition.sampler != .template {
      let item = definition.leavesItemOut ? record : nil
      for index in try sampler.sample(shots, without: item) { context += try example(index) }
    }
    let turn = try turn(document)
    let answer = try answer(turn, document)
    return TaskItem(
      number: number, document: document, requests: requests(behind: context, turn),
      answer: answer, target: target(turn, answer))
  }

  private mutating func example(_ index: Int) throws(TaskError) -> String {
    if let text = examples[index] { return text }
    let document = try pool[index].adding(definition.fields)
    let turn = try turn(document)
    let answer: String
    switch try self.answer(turn, document) {
    case .choice(let indices, let choices):
      answer = definition.hasMultipleInputs ? turn.target : choices[indices.min() ?? 0]
    case .continuation: answer = turn.target
    case .texts(let texts): answer = texts[0]
    }
    let question =
      definition.hasMultipleInputs ? turn.choices[turn.rightInput ?? 0] : turn.text
    // Without an answer there are no delimiters either.
    let text =
      answer.isEmpty
      ? question : question + definition.targetDelimiter + answer + definition.fewShotDelimiter
    examples[index] = text
    return text
  }

  private func requests(behind context: String, _ turn: Turn) -> [TaskRequest] {
    let delimiter = definition.targetDelimiter
    switch definition.kind {
    case .multipleChoice where definition.hasMultipleInputs:
      return turn.choices.map {
        TaskRequest(context: context + $0, continuation: delimiter + turn.target)
      }
    case .multipleChoice:
      let context = context + turn.text
      return turn.choices.map { TaskRequest(context: context, continuation: delimiter + $0) }
    case .logLikelihood:
      return [TaskRequest(context: context + turn.text, continuation: turn.target)]
    case .generation: return [TaskRequest(context: context + turn.text, continuation: "")]
    }
  }
}

extension TaskPrompts {
  private func target(_ turn: Turn, _ answer: TaskAnswer) -> JSONValue {
    guard case .choice(let indices, _) = answer, !definition.hasMultipleInputs else {
      return turn.targetValue
    }
    let sorted = indices.sorted().map { JSONValue.integer($0) }
    return sorted.count == 1 ? sorted[0] : .array(sorted)
  }

  /// What the templates say of a record.
  private struct Turn {
    var text = ""
    var choices: [String] = []
    /// The target where it is a text.
    var target = ""
    var targetValue = JSONValue.null
    /// A text that stands in the record itself is one even where it has digits alone.
    var targetIsText = false
    /// The choice that the text names, where choices are contexts.
    var rightInput: Int?
  }

  private func turn(_ document: TaskDocument) throws(TaskError) -> Turn {
    var turn = Turn()
    turn.targetValue = try document.value(
      of: definition.target, called: "doc_to_target", shots: shots)
    turn.target = turn.targetValue.string ?? ""
    turn.targetIsText = document[definition.target.source]?.string != nil
    turn.choices = try choices(document)
    guard definition.hasMultipleInputs else {
      turn.text = try document.text(of: definition.text, called: "doc_to_text", shots: shots)
      return turn
    }
    let index = try document.value(of: definition.text, called: "doc_to_text", shots: shots)
    turn.rightInput = Self.wholeNumber(index)
    guard let right = turn.rightInput, turn.choices.indices.contains(right) else {
      throw document.error("doc_to_text: \(index.text()) is no index of a choice")
    }
    guard turn.targetValue.string != nil else {
      throw document.error("doc_to_target: expected a text, not \(turn.targetValue.kind)")
    }
    return turn
  }

  private func choices(_ document: TaskDocument) throws(TaskError) -> [String] {
    switch definition.choices {
    case nil: return []
    case .texts(let texts): return texts
    case .template(let template):
      let value = try document.value(of: template, called: "doc_to_choice", shots: shots)
      let texts = (value.array ?? []).compactMap(\.string)
      guard let array = value.array, texts.count == array.count, !texts.isEmpty else {
        throw document.error("doc_to_choice: expected a list of strings, not \(value.kind)")
      }
      return texts
    }
  }

  private func answer(_ turn: Turn, _ document: TaskDocument) throws(TaskError) -> TaskAnswer {
    switch definition.kind {
    case .multipleChoice:
      if let right = turn.rightInput { return .choice([right], of: turn.choices) }
      let values = turn.targetValue.array ?? [turn.targetValue]
      var indices: Set<Int> = []
      for value in values {
        let place = turn.choices.firstIndex { .string($0) == value }
        let index = turn.targetIsText ? place : Self.wholeNumber(value) ?? place
        guard let index, turn.choices.indices.contains(index) else {
          throw document.error("doc_to_target: \(value.text()) is none of the choices")
        }
        indices.insert(index)
      }
      guard !indices.isEmpty else { throw document.error("doc_to_target: no choice is right") }
      return .choice(indices, of: turn.choices)
    case .logLikelihood:
      guard !turn.target.isEmpty else {
        throw document.error("doc_to_target: expected a text, not \(turn.targetValue.text())")
      }
      return .continuation
    case .generation:
      let values = turn.targetValue.array ?? [turn.targetValue]
      let texts = values.compactMap(\.string)
      guard texts.count == values.count, !texts.isEmpty else {
        throw document.error("doc_to_target: expected a text or texts")
      }
      return .texts(texts)
    }
  }

  /// A number, or a text of digits alone.
  private static func wholeNumber(_ value: JSONValue) -> Int? {
    if let bool = value.bool { return bool ? 1 : 0 }
    guard let text = value.string else { return value.int }
    return text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
  }
}
