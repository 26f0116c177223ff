internal import JSONText

/// What one record says, before any template.
package enum Example: Sendable, Equatable {
  case completion(prompt: String, response: String)
  case chat([ChatTurn])
  case document(String)
}

extension Example {
  /// Reads a record of a known type.
  init(_ record: JSONValue, type: DatasetType, location: @autoclosure () -> String)
    throws(DatasetError)
  {
    do throws(RecordFault) {
      guard record.members != nil else { throw RecordFault("is \(record.kind), not an object") }
      switch type {
      case .alpaca, .superNI:
        let (instruction, input, output) = try Self.instruction(record, type)
        let prompt = AlpacaPrompt.text(instruction: instruction, input: input)
        self = .completion(prompt: prompt, response: output)
      case .alpacaChat:
        let (instruction, input, output) = try Self.instruction(record, type)
        let question = input.isEmpty ? instruction : instruction + "\n\n" + input
        self = .chat([
          ChatTurn(role: .user, text: question), ChatTurn(role: .assistant, text: output),
        ])
      case .completion:
        self = .completion(
          prompt: try record.text("prompt"), response: try record.text("completion"))
      case .chat: self = .chat(try Self.turns(record))
      case .text: self = .document(try record.text("text"))
      case .auto: throw RecordFault("has keys of no known type")
      }
    } catch {
      throw .malformed(location: location(), reason: error.reason)
    }
  }

  private static func instruction(
    _ record: JSONValue, _ type: DatasetType
  ) throws(RecordFault) -> (instruction: String, input: String, output: String) {
    if type == .superNI {
      return (
        try record.text("Definition", firstOfList: true), try record.text("input"),
        try record.text("output", firstOfList: true)
      )
    }
    let input = record["input"]
    let hasInput = input != nil && input?.isNull == false
    return (
      try record.text("instruction"), hasInput ? try record.text("input") : "",
      try record.text("output")
    )
  }

  private static func turns(_ record: JSONValue) throws(RecordFault) -> [ChatTurn] {
    guard let list = record["messages"] ?? record["conversations"] else {
      throw RecordFault("has no \"messages\" (or \"conversations\")")
    }
    guard let elements = list.array else {
      throw RecordFault("its messages are \(list.kind), not an array")
    }
    guard !elements.isEmpty else { throw RecordFault("its messages are empty") }
    var turns: [ChatTurn] = []
    for (index, element) in elements.enumerated() {
      do throws(RecordFault) {
        turns.append(try turn(element))
      } catch {
        throw RecordFault("message \(index): \(error.reason)")
      }
    }
    return turns
  }

  private static func turn(_ message: JSONValue) throws(RecordFault) -> ChatTurn {
    guard message.members != nil else { throw RecordFault("is \(message.kind), not an object") }
    let shareGPT = message["from"] != nil && message["role"] == nil
    let name = try message.text(shareGPT ? "from" : "role")
    let role: ChatRole
    switch name {
    case "system": role = .system
    case "user", "human": role = .user
    case "assistant", "gpt", "chatgpt", "model": role = .assistant
    default: throw RecordFault("role \"\(name)\" is none of system, user, assistant")
    }
    return ChatTurn(role: role, text: try message.text(shareGPT ? "value" : "content"))
  }
}

/// What is wrong with a record; its location is added where it is known.
struct RecordFault: Error {
  var reason: String
  init(_ reason: String) { self.reason = reason }
}

extension JSONValue {
  /// The string member `key`; of a list of strings the first, where that is allowed.
  fileprivate func text(_ key: String, firstOfList: Bool = false) throws(RecordFault) -> String {
    guard var value = self[key] else {
      let present = (members ?? []).prefix(8).map { "\"\($0.key)\"" }.joined(separator: ", ")
      throw RecordFault("has no \"\(key)\"; its keys: \(present.isEmpty ? "none" : present)")
    }
    if firstOfList, let first = value[0] { value = first }
    guard let text = value.string else {
      throw RecordFault("\"\(key)\" is \(value.kind), not a string")
    }
    return text
  }
}
