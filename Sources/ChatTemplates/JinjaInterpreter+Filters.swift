extension JinjaInterpreter {
  mutating func apply(
    filter name: String, to value: JinjaValue, _ arguments: Arguments
  ) throws(ChatTemplateError) -> JinjaValue {
    try step()
    switch name {
    case "default", "d":
      let replaces =
        value.isUndefined || (arguments[1, "boolean"]?.isTrue == true && !value.isTrue)
      return replaces ? arguments[0, "default_value"] ?? .string("") : value
    case "tojson":
      let indent = arguments[0, "indent"]?.wholeNumber.map { min(max($0, 0), 16) }
      return .string(try json(of: value, indent: indent))
    case "length", "count": return .int(try length(of: value))
    case "int", "float":
      if case .string(let text) = value { try charge(text.utf8.count) }
      let number = name == "int" ? wholeNumber(value) : realNumber(value)
      return number ?? arguments[0, "default"] ?? (name == "int" ? .int(0) : .double(0))
    case "abs", "round": return try calculate(filter: name, value, arguments)
    case "attr":
      guard case .string(let name)? = arguments.positional.first else { break }
      return try attribute(name, of: value)
    case "items":
      if value.isUndefined { return .list([]) }
      return try call(method: "items", of: value, Arguments())
    case "first", "last", "list", "reverse", "join", "sort", "unique", "sum", "min", "max", "map",
      "select", "reject", "selectattr", "rejectattr", "dictsort":
      return try apply(listFilter: name, to: value, arguments)
    default: return try apply(textFilter: name, to: try text(of: value), arguments)
    }
    throw error("the filter \"\(name)\" does not take these arguments")
  }

  private mutating func apply(
    textFilter name: String, to text: String, _ arguments: Arguments
  ) throws(ChatTemplateError) -> JinjaValue {
    switch name {
    case "string", "safe": return .string(text)
    case "trim":
      guard case .string(let set)? = arguments[0, "chars"] else {
        return .string(text.stripped(of: nil))
      }
      try charge(16, times: set.utf8.count)
      return .string(text.stripped(of: set))
    case "upper", "lower", "title", "capitalize":
      return try call(method: name, of: .string(text), Arguments())
    case "replace":
      guard case .string(let old)? = arguments[0, "old"], let new = arguments[1, "new"] else {
        break
      }
      return try replace(
        old, with: try self.text(of: new), in: text, limit: arguments[2, "count"]?.wholeNumber)
    case "escape", "e":
      var result = text
      for (old, new) in [
        ("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&#34;"), ("'", "&#39;"),
      ] {
        result = try self.text(of: try replace(old, with: new, in: result, limit: nil))
      }
      return .string(result)
    case "indent":
      let width = min(max(arguments[0, "width"]?.wholeNumber ?? 4, 0), 64)
      let space = String(repeating: " ", count: width)
      let lines = try lines(of: text)
      try charge(texts: lines.count, bytes: text.utf8.count)
      try charge(width, times: lines.count)
      let indentsFirst = arguments[1, "first"]?.isTrue == true
      let indented = lines.enumerated().map { index, line in
        line.isEmpty || (index == 0 && !indentsFirst) ? line : space + line
      }
      return try produced(indented.joined(separator: "\n"))
    case "wordcount": return .int(text.wordCount)
    case "regex_replace" where environment.hasPatterns:
      guard case .string(let pattern)? = arguments[0, "pattern"],
        case .string(let new)? = arguments[1, "repl"]
      else { break }
      try charge(16, times: text.utf8.count)
      guard let result = text.replacing(pattern: pattern, with: new) else {
        throw error("\"\(pattern)\" is no pattern that is read here")
      }
      return try produced(result)
    default: throw error("the filter \"\(name)\" is unknown or not supported")
    }
    throw error("the filter \"\(name)\" does not take these arguments")
  }

  private mutating func length(of value: JinjaValue) throws(ChatTemplateError) -> Int {
    switch value {
    case .string(let text):
      try charge(text.utf8.count)
      return text.unicodeScalars.count
    case .list(let elements): return elements.count
    case .dictionary(let members): return members.count
    case .undefined: return 0
    default: throw error("\(value.kind) has no length")
    }
  }

  private func wholeNumber(_ value: JinjaValue) -> JinjaValue? {
    switch value {
    case .string(let text):
      guard let digits = numeral(text) else { return nil }
      return Int(digits).map { .int($0) }
        ?? Double(digits).flatMap { Int(exactly: $0.rounded(.towardZero)) }.map { .int($0) }
    default:
      return value.wholeNumber.map { .int($0) }
        ?? value.number.flatMap { Int(exactly: $0.rounded(.towardZero)) }.map { .int($0) }
    }
  }

  /// A text that may be a number; Python reads no number of more than 4300 digits.
  private func numeral(_ text: String) -> String? {
    let digits = text.stripped(of: nil)
    return digits.utf8.count <= 4300 ? digits : nil
  }

  private func realNumber(_ value: JinjaValue) -> JinjaValue? {
    if case .string(let text) = value {
      return numeral(text).flatMap { Double($0) }.map { .double($0) }
    }
    return value.number.map { .double($0) }
  }

  private func calculate(
    filter name: String, _ value: JinjaValue, _ arguments: Arguments
  ) throws(ChatTemplateError) -> JinjaValue {
    if name == "abs", let int = value.wholeNumber { return .int(int == .min ? .max : abs(int)) }
    guard let number = value.number else { throw error("\(value.kind) is no number") }
    if name == "abs" { return .double(abs(number)) }
    let digits = min(max(arguments[0, "precision"]?.wholeNumber ?? 0, 0), 15)
    let scale = (0..<digits).reduce(1.0) { product, _ in product * 10 }
    let rule: FloatingPointRoundingRule =
      switch arguments[1, "method"] {
      case .string("ceil"): .up
      case .string("floor"): .down
      default: .toNearestOrEven
      }
    return .double((number * scale).rounded(rule) / scale)
  }
}
