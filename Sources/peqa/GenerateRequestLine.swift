internal import ChatTemplates
internal import Evaluation
internal import ExitCodes
internal import JSONText
internal import Training

/// One line of a file of requests: what is asked, and what differs from the command line.
struct RequestLine {
  enum Question {
    case text(String)
    /// Of a chat, without the system message of the command line.
    case messages([ChatMessage])
  }

  /// What a line can leave out.
  struct Defaults {
    var sampling: SamplingSettings
    var maximum: Int
    var stop: [String]
  }

  /// Counted from 1.
  let number: Int
  /// As it is to be given back.
  let id: JSONValue
  let question: Question
  /// Path or name; nil for the base.
  let adapter: String?
  let maximum: Int
  let sampling: SamplingSettings
  let stop: [String]
}

/// What is wrong with a line.
struct RequestFault: Error, Equatable {
  let line: Int
  let text: String
}

/// All that is wrong with a file of requests. Nothing has been computed.
struct RequestFaults: ExitCoded, CustomStringConvertible {
  let path: String
  let faults: [RequestFault]

  var exitCode: Int32 { 65 }

  var description: String {
    let lines = faults.map { "\n  \(path):\($0.line): \($0.text)" }.joined()
    return "\(path): \(faults.count) fault(s), nothing was computed:\(lines)"
  }
}

extension RequestLine {
  static let keys = [
    "id", "prompt", "chat", "messages", "system", "adapter", "max_new_tokens", "temperature",
    "top_k", "top_p", "min_p", "repetition_penalty", "seed", "stop",
  ]

  /// Values a line may have: those of a long conversation.
  private static let mostValues = 1 << 20

  /// Reads all lines; blank ones do not count. The seed of a request without one is the default
  /// plus its place, so that equal prompts get different answers.
  static func parse(
    _ bytes: [UInt8], _ defaults: Defaults
  ) -> (lines: [RequestLine], faults: [RequestFault]) {
    var (lines, faults): ([RequestLine], [RequestFault]) = ([], [])
    var place = 0
    let all = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, text) in all.enumerated() {
      let isBlank = text.allSatisfy { [0x20, 0x09, 0x0D].contains($0) }
      guard !isBlank else { continue }
      defer { place += 1 }
      do throws(JSONSyntaxError) {
        let value = try JSONValue(parsing: Array(text), maximumValues: mostValues)
        var fields = RequestFields(value, line: index + 1)
        if let line = fields.request(place: place, defaults) { lines.append(line) }
        faults += fields.faults
      } catch {
        faults.append(
          RequestFault(
            line: index + 1, text: "not JSON: column \(error.column): \(error.message)"))
      }
    }
    if place == 0 { faults.append(RequestFault(line: 1, text: "the file has no requests")) }
    return (lines, faults)
  }
}

/// Takes the members of one line, and notes what is wrong with them.
private struct RequestFields {
  private let value: JSONValue
  private let line: Int
  private(set) var faults: [RequestFault] = []

  init(_ value: JSONValue, line: Int) { (self.value, self.line) = (value, line) }

  /// Nil where something is wrong.
  mutating func request(place: Int, _ defaults: RequestLine.Defaults) -> RequestLine? {
    guard value.members != nil else {
      note("is \(value.kind), not an object")
      return nil
    }
    checkKeys()
    let id = take("id", "a string or a number") { [.string, .number].contains($0.form) ? $0 : nil }
    let question = question()
    let adapter = take("adapter", "a string", \.string)
    let maximum = take("max_new_tokens", "a whole number of at least 1") {
      $0.int.flatMap { $0 >= 1 ? $0 : nil }
    }
    let sampling = sampling(place: place, defaults.sampling)
    let stop = take("stop", "a string or an array of strings", \.strings)
    guard faults.isEmpty, let question, let sampling else { return nil }
    return RequestLine(
      number: line, id: id ?? .null, question: question, adapter: adapter,
      maximum: maximum ?? defaults.maximum, sampling: sampling, stop: stop ?? defaults.stop)
  }

  private mutating func note(_ text: String) {
    faults.append(RequestFault(line: line, text: text))
  }

  private mutating func checkKeys() {
    var seen: Set<String> = []
    for key in (value.members ?? []).map(\.key) {
      if !RequestLine.keys.contains(key) {
        note("unknown key \"\(key)\"\(nearest(to: key, among: RequestLine.keys))")
      } else if !seen.insert(key).inserted {
        note("\"\(key)\" stands there twice")
      }
    }
  }

  /// The value of a member; null is as good as none.
  private mutating func take<Value>(
    _ key: String, _ expected: String, _ read: (JSONValue) -> Value?
  ) -> Value? {
    guard let found = value[key]?.unlessNull else { return nil }
    if let value = read(found) { return value }
    let said = found.double == nil ? found.kind : found.text()
    note("\"\(key)\" is \(said), expected \(expected)")
    return nil
  }

  private mutating func question() -> RequestLine.Question? {
    let prompt = take("prompt", "a string", \.string)
    let chat = take("chat", "a string", \.string)
    let messages = take("messages", "an array of {\"role\": .., \"content\": ..}", \.chatMessages)
    let system = take("system", "a string", \.string)
    let given = ["prompt", "chat", "messages"].filter { value[$0]?.unlessNull != nil }
    guard given.count == 1 else {
      note(
        "has \(given.isEmpty ? "none" : given.joined(separator: " and ")) of \"prompt\", \"chat\" "
          + "and \"messages\"; give one")
      return nil
    }
    if let prompt {
      if system != nil { note("\"system\" belongs to \"chat\"") }
      return .text(prompt)
    }
    if messages != nil, system != nil { note("\"system\" is one of \"messages\" here") }
    let before = system.map { [ChatMessage(role: "system", content: $0)] } ?? []
    let turns = messages ?? chat.map { [ChatMessage(role: "user", content: $0)] }
    return turns.map { .messages(before + $0) }
  }

  private mutating func sampling(
    place: Int, _ defaults: SamplingSettings
  ) -> SamplingSettings? {
    let seed = take("seed", "a whole number of at least 0") {
      $0.int.flatMap { UInt64(exactly: $0) }
    }
    let topK = take("top_k", "a whole number", \.int) ?? defaults.topK
    func real(_ key: String, _ fallback: Double) -> Double {
      take(key, "a number", \.double) ?? fallback
    }
    let (temperature, topP) = (
      real("temperature", defaults.temperature), real("top_p", defaults.topP)
    )
    let (minP, penalty) = (
      real("min_p", defaults.minP), real("repetition_penalty", defaults.repetitionPenalty)
    )
    do throws(EvaluationError) {
      return try SamplingSettings(
        temperature: temperature, topK: topK, topP: topP, minP: minP, repetitionPenalty: penalty,
        seed: seed ?? defaults.seed &+ UInt64(place))
    } catch {
      guard case .badSetting(let flag, let reason) = error else { return nil }
      note("\"\(flag.drop { $0 == "-" }.replacing("-", with: "_"))\": \(reason)")
      return nil
    }
  }
}

extension JSONValue {
  fileprivate enum Form { case string, number, other }

  fileprivate var form: Form { string != nil ? .string : double != nil ? .number : .other }

  /// One string, or several.
  fileprivate var strings: [String]? {
    if let string { return [string] }
    let all = array?.map(\.string)
    return all.flatMap { $0.contains(nil) ? nil : $0.compactMap(\.self) }
  }

  /// At least one message with a role and a content.
  fileprivate var chatMessages: [ChatMessage]? {
    guard let array, !array.isEmpty else { return nil }
    let all = array.compactMap { message -> ChatMessage? in
      guard let role = message["role"]?.string, let content = message["content"]?.string else {
        return nil
      }
      return ChatMessage(role: role, content: content)
    }
    return all.count == array.count ? all : nil
  }
}
