internal import ChatTemplates
internal import Training

/// A value of a definition, and how it may be read.
struct TaskValue {
  let node: ConfigNode
  let path: String
  /// Its key, for messages.
  let key: String

  func error(_ reason: String) -> TaskError {
    .definition(path: path, line: node.line, reason: "\(key): \(reason)")
  }

  func text() throws(TaskError) -> String {
    guard case .scalar(let text) = node.content else {
      throw error("expected a text, not \(node.kind)")
    }
    return text
  }

  /// A text that can be part of a file's name.
  func name() throws(TaskError) -> String {
    let text = try text()
    let isName = text.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "-"): true
      default: false
      }
    }
    guard isName, !text.isEmpty else {
      throw error("\"\(text)\" is no name; use letters, digits, _ and -")
    }
    return text
  }

  func bool() throws(TaskError) -> Bool {
    switch try text() {
    case "true", "True": return true
    case "false", "False": return false
    default: throw error("expected true or false, not \(node.kind)")
    }
  }

  func integer(in range: ClosedRange<Int>) throws(TaskError) -> Int {
    guard let value = Int(try text()), range.contains(value) else {
      throw error(
        "expected a whole number from \(range.lowerBound) to \(range.upperBound), not \(node.kind)")
    }
    return value
  }

  func word<Word: RawRepresentable<String> & CaseIterable>(
    of: Word.Type
  ) throws(TaskError) -> Word {
    let text = try text()
    guard let word = Word(rawValue: text) else {
      let known = Word.allCases.map(\.rawValue).joined(separator: ", ")
      throw error("\"\(text)\" is not known; use one of \(known)")
    }
    return word
  }

  /// One, or a list of them.
  func words<Word: RawRepresentable<String> & CaseIterable>(
    of type: Word.Type
  ) throws(TaskError) -> [Word] {
    guard case .list = node.content else { return [try word(of: type)] }
    return try list().map { entry throws(TaskError) in try entry.word(of: type) }
  }

  func list() throws(TaskError) -> [TaskValue] {
    guard case .list(let elements) = node.content else {
      throw error("expected a list, not \(node.kind)")
    }
    return elements.map { TaskValue(node: $0, path: path, key: key) }
  }

  func template() throws(TaskError) -> TextTemplate {
    let source = try text()
    do throws(ChatTemplateError) { return try TextTemplate(source: source) } catch {
      throw self.error(error.reason)
    }
  }

  func choices() throws(TaskError) -> TaskDefinition.Choices {
    guard case .list = node.content else { return .template(try template()) }
    let texts = try list().map { entry throws(TaskError) in try entry.text() }
    guard !texts.isEmpty else { throw error("a task needs choices") }
    return .texts(texts)
  }
}

/// A mapping of a definition; keys that are not known are errors.
struct TaskMapping {
  let members: [(key: String, value: TaskValue)]
  private let path: String
  private let line: Int

  /// `known` nil takes any key.
  init(_ node: ConfigNode, path: String, known: [String]?) throws(TaskError) {
    guard case .map(let members) = node.content else {
      throw .definition(
        path: path, line: node.line, reason: "expected keys with values, not \(node.kind)")
    }
    for member in members {
      guard known?.contains(member.key) ?? true else {
        throw .definition(
          path: path, line: member.keyLine,
          reason: "unknown key \"\(member.key)\"; known are "
            + (known ?? []).joined(separator: ", "))
      }
    }
    self.members = members.map {
      ($0.key, TaskValue(node: $0.value, path: path, key: $0.key))
    }
    (self.path, line) = (path, node.line)
  }

  /// Nil where the key is missing or says nothing.
  subscript(_ key: String) -> TaskValue? {
    guard let value = members.first(where: { $0.key == key })?.value else { return nil }
    if case .null = value.node.content { return nil }
    return value
  }

  func required(_ key: String) throws(TaskError) -> TaskValue {
    guard let value = self[key] else { throw error("the key \"\(key)\" is missing") }
    return value
  }

  func error(_ reason: String) -> TaskError {
    .definition(path: path, line: line, reason: reason)
  }
}

extension ChatTemplateError {
  /// Without the words that go before for chats.
  var reason: String {
    if case .faulty(let line, let reason) = self {
      return line > 1 ? "line \(line) of the template: \(reason)" : reason
    }
    return description
  }
}
