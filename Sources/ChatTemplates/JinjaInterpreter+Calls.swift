extension JinjaInterpreter {
  /// The functions a template can call.
  mutating func call(
    function name: String, _ arguments: Arguments
  ) throws(ChatTemplateError) -> JinjaValue {
    switch name {
    case "raise_exception":
      throw error("the template refuses this conversation: \(arguments[0, "message"]?.text ?? "")")
    case "namespace", "dict":
      var members: [JinjaValue.Member] = []
      if case .dictionary(let initial)? = arguments.positional.first { members = initial }
      for (name, value) in arguments.named { members[name] = value }
      let value = JinjaValue.dictionary(members)
      try count(value)
      return name == "dict" ? value : .namespace(JinjaValue.JinjaNamespace(members))
    case "range": return try range(arguments.positional)
    case "strftime_now":
      guard case .string(let format)? = arguments[0, "format"] else {
        throw error("strftime_now needs a format")
      }
      return try produced(now.formatted(format))
    default: throw error("\"\(name)\" is no function that is known here")
    }
  }

  private mutating func range(_ bounds: [JinjaValue]) throws(ChatTemplateError) -> JinjaValue {
    let numbers = bounds.compactMap(\.wholeNumber)
    guard numbers.count == bounds.count, (1...3).contains(numbers.count) else {
      throw error("range needs one to three whole numbers")
    }
    let (start, end) = numbers.count == 1 ? (0, numbers[0]) : (numbers[0], numbers[1])
    let step = numbers.count == 3 ? numbers[2] : 1
    let limit = 100_000
    guard step != 0, abs(Double(end) - Double(start)) / abs(Double(step)) <= Double(limit) else {
      throw error("range with step 0, or of more than \(limit) numbers")
    }
    let values = stride(from: start, to: end, by: step).map { JinjaValue.int($0) }
    try count(bytes: values.count * 16)
    return .list(values)
  }

  /// The methods of texts and dictionaries.
  mutating func call(
    method name: String, of object: JinjaValue, _ arguments: Arguments
  ) throws(ChatTemplateError) -> JinjaValue {
    switch object {
    case .string(let text):
      try count(bytes: text.utf8.count)
      return try call(method: name, of: text, arguments)
    case .dictionary(let members):
      try count(bytes: members.count)
      switch name {
      case "items": return .list(members.map { .list([.string($0.key), $0.value]) })
      case "keys": return .list(members.map { .string($0.key) })
      case "values": return .list(members.map(\.value))
      case "get":
        guard case .string(let key)? = arguments.positional.first else { return .none }
        return members[key] ?? arguments[1, "default"] ?? .none
      default: break
      }
    default: break
    }
    if case .macro(let macro) = try attribute(name, of: object) {
      return try call(macro, arguments.positional, arguments.named)
    }
    throw error("\(object.kind) has no method \"\(name)\" here")
  }

  private mutating func call(
    method name: String, of text: String, _ arguments: Arguments
  ) throws(ChatTemplateError) -> JinjaValue {
    func string(_ index: Int) -> String? {
      if index < arguments.positional.count, case .string(let text) = arguments.positional[index] {
        text
      } else {
        nil
      }
    }
    switch name {
    case "strip": return .string(text.stripped(of: string(0)))
    case "lstrip": return .string(text.stripped(of: string(0), right: false))
    case "rstrip": return .string(text.stripped(of: string(0), left: false))
    case "upper": return try produced(text.uppercased())
    case "lower": return try produced(text.lowercased())
    case "title": return try produced(text.titled)
    case "capitalize": return try produced(text.capitalizedFirst)
    case "startswith", "endswith":
      return .bool(
        try affixes(arguments[0, "prefix"]).contains { affix in
          name == "startswith" ? text.utf8.starts(with: affix.utf8) : text.hasBytes(atEnd: affix)
        })
    case "removeprefix":
      guard let prefix = string(0), text.utf8.starts(with: prefix.utf8) else {
        return .string(text)
      }
      return .string(String(decoding: text.utf8.dropFirst(prefix.utf8.count), as: UTF8.self))
    case "removesuffix":
      guard let suffix = string(0), text.hasBytes(atEnd: suffix) else { return .string(text) }
      return .string(String(decoding: text.utf8.dropLast(suffix.utf8.count), as: UTF8.self))
    case "split", "rsplit":
      return try split(text, name == "rsplit", arguments[0, "sep"], arguments[1, "maxsplit"])
    case "splitlines": return .list(text.lines.map { .string($0) })
    case "replace":
      guard let old = string(0), let new = string(1) else { break }
      return try replace(old, with: new, in: text, limit: arguments[2, "count"]?.wholeNumber)
    case "find":
      guard let part = string(0) else { break }
      guard let index = text.bytes.firstIndex(of: part.bytes) else { return .int(-1) }
      return .int(String(decoding: text.bytes[..<index], as: UTF8.self).unicodeScalars.count)
    case "count":
      guard let part = string(0), !part.isEmpty else { break }
      return .int(text.bytes.parts(separatedBy: part.bytes, limit: .max).count - 1)
    case "isdigit": return .bool(text.isMadeOf { $0.properties.generalCategory == .decimalNumber })
    case "isalpha": return .bool(text.isMadeOf { $0.properties.isAlphabetic })
    case "isspace": return .bool(text.isMadeOf(\.isPythonSpace))
    default: throw error("texts have no method \"\(name)\" here")
    }
    throw error("\"\(name)\" does not take these arguments")
  }

  private func affixes(_ value: JinjaValue?) throws(ChatTemplateError) -> [String] {
    switch value {
    case .string(let text): return [text]
    case .list(let elements):
      return elements.compactMap { if case .string(let text) = $0 { text } else { nil } }
    default: throw error("startswith and endswith need a text")
    }
  }

  private mutating func split(
    _ text: String, _ fromRight: Bool, _ separator: JinjaValue?, _ limit: JinjaValue?
  ) throws(ChatTemplateError) -> JinjaValue {
    let limit = limit?.wholeNumber ?? -1
    let most = limit < 0 ? Int.max : limit
    let parts: [String]
    switch separator {
    case .string(let separator):
      guard !separator.isEmpty else { throw error("split with an empty separator") }
      let bytes = text.bytes
      if fromRight, most < .max {
        let reversed = Array(bytes.reversed())
        parts = reversed.parts(separatedBy: separator.bytes.reversed(), limit: most).reversed()
          .map { String(decoding: $0.reversed(), as: UTF8.self) }
      } else {
        parts = bytes.parts(separatedBy: separator.bytes, limit: most)
          .map { String(decoding: $0, as: UTF8.self) }
      }
    case nil, .some(.none):
      guard most == .max else { throw error("split at white space takes no limit here") }
      parts = text.unicodeScalars.split { $0.isPythonSpace }.map { String($0) }
    default: throw error("split needs a text")
    }
    try count(bytes: parts.count * 16)
    return .list(parts.map { .string($0) })
  }

  /// Python's `replace`; the length of the result is counted before it is made.
  mutating func replace(
    _ old: String, with new: String, in text: String, limit: Int?
  ) throws(ChatTemplateError) -> JinjaValue {
    guard !old.isEmpty else { throw error("replacing an empty text is not supported") }
    let most = limit.map { $0 < 0 ? Int.max : $0 } ?? .max
    let parts = text.bytes.parts(separatedBy: old.bytes, limit: most)
    let (added, overflow) = (parts.count - 1).multipliedReportingOverflow(by: new.utf8.count)
    try count(bytes: overflow ? .max : added)
    try count(bytes: parts.count * 16)
    return .string(String(decoding: Array(parts.joined(separator: new.bytes)), as: UTF8.self))
  }
}
