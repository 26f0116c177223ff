extension JinjaValue {
  /// Python's `str()`: what `{{ value }}` prints.
  var text: String {
    switch self {
    case .undefined: ""
    case .string(let string): string
    default: representation
    }
  }

  /// Python's `repr()`, as lists and dictionaries print what they hold.
  private var representation: String {
    switch self {
    case .undefined: "Undefined"
    case .none: "None"
    case .bool(let bool): bool ? "True" : "False"
    case .int(let int): String(int)
    case .double(let double): "\(double)"
    case .string(let string): Self.quoted(string)
    case .list(let elements): "[" + elements.map(\.representation).joined(separator: ", ") + "]"
    case .dictionary(let members):
      "{"
        + members.map { Self.quoted($0.key) + ": " + $0.value.representation }
        .joined(separator: ", ") + "}"
    case .namespace: "<Namespace>"
    case .macro(let macro): "<Macro '\(macro.name)'>"
    }
  }

  private static func quoted(_ string: String) -> String {
    let hasSingle = string.utf8.contains(UInt8(ascii: "'"))
    let quote = hasSingle && !string.utf8.contains(UInt8(ascii: "\"")) ? "\"" : "'"
    var result = quote
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case "'" where quote == "'": result += "\\'"
      case "\u{00}"..."\u{1F}", "\u{7F}": result += "\\x" + hexadecimal(scalar.value, digits: 2)
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + quote
  }

  private static func hexadecimal(_ value: UInt32, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }

  /// JSON as Python's `json.dumps(value, ensure_ascii=False, indent=indent)` writes it, whose spaces
  /// after commas and colons are part of the prompts that models were trained on. Nil for values
  /// that JSON has no word for.
  func json(indent: Int?, level: Int = 0) -> String? {
    switch self {
    case .none: return "null"
    case .bool(let bool): return bool ? "true" : "false"
    case .int(let int): return String(int)
    case .double(let double): return double.isFinite ? "\(double)" : nil
    case .string(let string): return Self.jsonQuoted(string)
    case .list(let elements):
      let parts = elements.compactMap { $0.json(indent: indent, level: level + 1) }
      guard parts.count == elements.count else { return nil }
      return Self.jsonList(parts, "[", "]", indent, level)
    case .dictionary(let members):
      let parts = members.compactMap { member in
        member.value.json(indent: indent, level: level + 1).map {
          Self.jsonQuoted(member.key) + ": " + $0
        }
      }
      guard parts.count == members.count else { return nil }
      return Self.jsonList(parts, "{", "}", indent, level)
    case .undefined, .namespace, .macro: return nil
    }
  }

  private static func jsonList(
    _ parts: [String], _ open: String, _ close: String, _ indent: Int?, _ level: Int
  ) -> String {
    guard let indent, !parts.isEmpty else {
      return open + parts.joined(separator: ", ") + close
    }
    let inner = "\n" + String(repeating: " ", count: indent * (level + 1))
    let outer = "\n" + String(repeating: " ", count: indent * level)
    return open + inner + parts.joined(separator: "," + inner) + outer + close
  }

  private static func jsonQuoted(_ string: String) -> String {
    var result = "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case "\u{08}": result += "\\b"
      case "\u{0C}": result += "\\f"
      case "\u{00}"..."\u{1F}": result += "\\u" + hexadecimal(scalar.value, digits: 4)
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
