package import JSONText

/// A Jinja text over the members of a record, as lm-evaluation-harness writes prompts.
///
/// Nothing that is undefined may be printed, white space stays as it stands, and there is the
/// filter `regex_replace`. Each evaluation has the bounds of a chat template's render.
package struct TextTemplate: Sendable {
  package let source: String
  private let nodes: [JinjaNode]

  /// Throws `ChatTemplateError.faulty` with the line where the source does not parse.
  package init(source: String) throws(ChatTemplateError) {
    self.source = source
    nodes = try JinjaParser.parse(source, .tasks)
  }

  /// The text for a record's members.
  package func text(_ members: [JSONValue.Member]) throws(ChatTemplateError) -> String {
    var interpreter = interpreter(members)
    return try interpreter.render(nodes)
  }

  /// The value where the template is one expression between braces and nothing else; else the text.
  package func value(_ members: [JSONValue.Member]) throws(ChatTemplateError) -> JSONValue {
    guard nodes.count == 1, case .output(let expression, let line) = nodes[0] else {
      return .string(try text(members))
    }
    var interpreter = interpreter(members)
    interpreter.line = line
    let value = try interpreter.evaluate(expression)
    return try interpreter.json(of: value)
  }

  private func interpreter(_ members: [JSONValue.Member]) -> JinjaInterpreter {
    var names: [String: JinjaValue] = [:]
    for member in members { names[member.key] = JinjaValue(member.value) }
    return JinjaInterpreter(
      names: names, now: DateFields(secondsSince1970: 0), budget: RenderBudget(),
      environment: .tasks)
  }
}

extension JinjaInterpreter {
  /// The value as JSON; what JSON has no word for is an error.
  mutating func json(
    of value: JinjaValue, level: Int = 0
  ) throws(ChatTemplateError) -> JSONValue {
    guard level <= Self.maximumLevel else { throw error("a value is nested too deeply") }
    try charge(elements: 1)
    switch value {
    case .none: return .null
    case .bool(let bool): return .bool(bool)
    case .int(let int): return .integer(int)
    case .double(let double): return .real(double)
    case .string(let string): return .string(string)
    case .list(let elements):
      var values: [JSONValue] = []
      for element in elements { values.append(try json(of: element, level: level + 1)) }
      return .array(values)
    case .dictionary(let members):
      var values: [JSONValue.Member] = []
      for member in members {
        values.append(.init(key: member.key, value: try json(of: member.value, level: level + 1)))
      }
      return .object(values)
    case .undefined(let what): throw error("\"\(what)\" is undefined")
    case .namespace, .macro: throw error("\(value.kind) is no value of a record")
    }
  }
}
