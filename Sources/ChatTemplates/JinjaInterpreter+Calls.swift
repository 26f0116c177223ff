extension JinjaInterpreter {
  /// The functions a template can call.
  mutating func call(
    function name: String, _ arguments: Arguments
  ) throws(ChatTemplateError) -> JinjaValue {
    switch name {
    case "raise_exception":
      let message = try text(of: arguments[0, "message"] ?? .string(""))
      throw error("the template refuses this conversation: \(message)")
    case "namespace", "dict":
      var members: [JinjaValue.Member] = []
      if case .dictionary(let initial)? = arguments.positional.first { members = initial }
      for (name, value) in arguments.named { try set(name, value, in: &members) }
      let value = try charged(.dictionary(members))
      if name == "dict" { return value }
      namespaces.append(members)
      return .namespace(namespaces.count - 1)
    case "range": return try range(arguments.positional)
    case "strftime_now":
      guard case .string(let format)? = arguments[0, "format"] else {
        throw error("strftime_now needs a format")
      }
      // The longest field, "%A", becomes nine letters.
      try charge(format.utf8.count, times: 5)
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
    try charge(elements: values.count)
    return .list(values)
  }

  /// The methods of texts and dictionaries.
  mutating func call(
    method name: String, of object: JinjaValue, _ arguments: Arguments
  ) throws(ChatTemplateError) -> JinjaValue {
    switch object {
    case .string(let text):
      try charge(text.utf8.count)
      return try call(method: name, of: text, arguments)
    case .dictionary(let members):
      // "items" makes a list of two for each member.
      try charge(elements: members.count * 4)
      switch name {
      case "items": return .list(members.map { .list([.string($0.key), $0.value]) })
      case "keys": return .list(members.map { .string($0.key) })
      case "values": return .list(members.map(\.value))
      case "get":
        guard case .string(let key)? = arguments.positional.first else { return .none }
        return try value(of: key, in: members) ?? arguments[1, "default"] ?? .none
      default: break
      }
    case .list(let elements) where name == "index" && arguments.positional.count == 1:
      for (index, element) in elements.enumerated()
      where try equal(element, arguments.positional[0]) {
        return .int(index)
      }
      throw error("\"\(try text(of: arguments.positional[0]))\" is not in the list")
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
    case "strip", "lstrip", "rstrip":
      try charge(16, times: string(0)?.utf8.count ?? 0)
      return .string(
        text.stripped(of: string(0), left: name != "rstrip", right: name != "lstrip"))
    case "upper": return try produced(text.uppercased())
    case "lower": return try produced(text.lowercased())
    case "title": return try produced(text.titled)
    case "capitalize": return try produced(text.capitalizedFirst)
    case "startswith", "endswith":
      let affixes = try affixes(arguments[0, "prefix"])
      return .bool(
        affixes.contains { affix in
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
    case "splitlines": return .list(try lines(of: text).map { .string($0) })
    case "replace":
      guard let old = string(0), let new = string(1) else { break }
      return try replace(old, with: new, in: text, limit: arguments[2, "count"]?.wholeNumber)
    case "find":
      guard let part = string(0) else { break }
      let bytes = text.bytes
      guard let index = try pattern(part).firstIndex(in: bytes) else { return .int(-1) }
      return .int(String(decoding: bytes[..<index], as: UTF8.self).unicodeScalars.count)
    case "count":
      guard let part = string(0), !part.isEmpty else { break }
      return .int(try pattern(part).occurrences(in: text.bytes))
    case "isdigit": return .bool(text.isMadeOf { $0.properties.generalCategory == .decimalNumber })
    case "isalpha": return .bool(text.isMadeOf { $0.properties.isAlphabetic })
    case "isspace": return .bool(text.isMadeOf(\.isPythonSpace))
    default: throw error("texts have no method \"\(name)\" here")
    }
    throw error("\"\(name)\" does not take these arguments")
  }

  private mutating func affixes(_ value: JinjaValue?) throws(ChatTemplateError) -> [String] {
    switch value {
    case .string(let text):
      try charge(text.utf8.count)
      return [text]
    case .list(let elements):
      var texts: [String] = []
      for case .string(let text) in elements {
        try charge(texts: 1, bytes: text.utf8.count)
        texts.append(text)
      }
      return texts
    default: throw error("startswith and endswith need a text")
    }
  }
}
