extension JinjaInterpreter {
  /// Python's `str()`: what `{{ value }}` prints.
  mutating func text(of value: JinjaValue) throws(ChatTemplateError) -> String {
    switch value {
    case .undefined(let what):
      guard !environment.isStrict else { throw error("\"\(what)\" is undefined") }
      return ""
    case .string(let string):
      try charge(16 + string.utf8.count)
      return string
    default:
      var buffer: [UInt8] = []
      try write(representation: value, into: &buffer)
      return String(decoding: buffer, as: UTF8.self)
    }
  }

  /// JSON as Python's `json.dumps(value, ensure_ascii=False, indent=indent)` writes it: the spaces
  /// after commas and colons are part of the prompts that models were trained on.
  mutating func json(
    of value: JinjaValue, indent: Int?
  ) throws(ChatTemplateError) -> String {
    var buffer: [UInt8] = []
    try write(json: value, indent: indent, into: &buffer)
    return String(decoding: buffer, as: UTF8.self)
  }

  private mutating func append(
    _ text: String, to buffer: inout [UInt8]
  ) throws(ChatTemplateError) {
    try charge(text.utf8.count)
    buffer.append(contentsOf: text.utf8)
  }

  private func checkLevel(_ level: Int) throws(ChatTemplateError) {
    guard level <= Self.maximumLevel else { throw error("a value is nested too deeply") }
  }

  /// A text between quotes; `escaped` is called for ASCII and gives what stands for a byte, or nil
  /// where it stays.
  private mutating func append(
    _ text: String, quote: String, to buffer: inout [UInt8], escaped: (UInt8) -> String?
  ) throws(ChatTemplateError) {
    try append(quote, to: &buffer)
    try charge(text.utf8.count)
    for byte in text.utf8 {
      if byte < 0x80, let escape = escaped(byte) {
        try append(escape, to: &buffer)
      } else {
        buffer.append(byte)
      }
    }
    try append(quote, to: &buffer)
  }
}

extension JinjaInterpreter {
  /// Python's `repr()`, as lists and dictionaries print what they hold.
  private mutating func write(
    representation value: JinjaValue, level: Int = 0, into buffer: inout [UInt8]
  ) throws(ChatTemplateError) {
    try checkLevel(level)
    switch value {
    case .undefined: try append("Undefined", to: &buffer)
    case .none: try append("None", to: &buffer)
    case .bool(let bool): try append(bool ? "True" : "False", to: &buffer)
    case .int(let int): try append(String(int), to: &buffer)
    case .double(let double): try append("\(double)", to: &buffer)
    case .string(let string): try write(quoted: string, into: &buffer)
    case .list(let elements):
      try append("[", to: &buffer)
      for (index, element) in elements.enumerated() {
        if index > 0 { try append(", ", to: &buffer) }
        try write(representation: element, level: level + 1, into: &buffer)
      }
      try append("]", to: &buffer)
    case .dictionary(let members):
      try append("{", to: &buffer)
      for (index, member) in members.enumerated() {
        if index > 0 { try append(", ", to: &buffer) }
        try write(quoted: member.key, into: &buffer)
        try append(": ", to: &buffer)
        try write(representation: member.value, level: level + 1, into: &buffer)
      }
      try append("}", to: &buffer)
    case .namespace: try append("<Namespace>", to: &buffer)
    case .macro(let macro): try append("<Macro '\(macro.name)'>", to: &buffer)
    }
  }

  private mutating func write(
    quoted string: String, into buffer: inout [UInt8]
  ) throws(ChatTemplateError) {
    let hasSingle = string.utf8.contains(UInt8(ascii: "'"))
    let isDouble = hasSingle && !string.utf8.contains(UInt8(ascii: "\""))
    try append(string, quote: isDouble ? "\"" : "'", to: &buffer) { byte in
      switch Unicode.Scalar(byte) {
      case "\\": "\\\\"
      case "\n": "\\n"
      case "\r": "\\r"
      case "\t": "\\t"
      case "'" where !isDouble: "\\'"
      case "\u{00}"..."\u{1F}", "\u{7F}": "\\x" + Self.hexadecimal(byte, digits: 2)
      default: nil
      }
    }
  }

  private static func hexadecimal(_ value: UInt8, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }
}

extension JinjaInterpreter {
  private mutating func write(
    json value: JinjaValue, indent: Int?, level: Int = 0, into buffer: inout [UInt8]
  ) throws(ChatTemplateError) {
    try checkLevel(level)
    switch value {
    case .none: try append("null", to: &buffer)
    case .bool(let bool): try append(bool ? "true" : "false", to: &buffer)
    case .int(let int): try append(String(int), to: &buffer)
    case .double(let double) where double.isFinite: try append("\(double)", to: &buffer)
    case .string(let string): try write(jsonString: string, into: &buffer)
    case .list(let elements):
      try append("[", to: &buffer)
      for (index, element) in elements.enumerated() {
        try separate(index, indent, level, &buffer)
        try write(json: element, indent: indent, level: level + 1, into: &buffer)
      }
      try close("]", isEmpty: elements.isEmpty, indent, level, &buffer)
    case .dictionary(let members):
      try append("{", to: &buffer)
      for (index, member) in members.enumerated() {
        try separate(index, indent, level, &buffer)
        try write(jsonString: member.key, into: &buffer)
        try append(": ", to: &buffer)
        try write(json: member.value, indent: indent, level: level + 1, into: &buffer)
      }
      try close("}", isEmpty: members.isEmpty, indent, level, &buffer)
    case .double, .undefined, .namespace, .macro:
      throw error("\(value.kind) cannot be written as JSON")
    }
  }

  /// What stands before an element.
  private mutating func separate(
    _ index: Int, _ indent: Int?, _ level: Int, _ buffer: inout [UInt8]
  ) throws(ChatTemplateError) {
    if let indent {
      try append(index > 0 ? ",\n" : "\n", to: &buffer)
      try append(String(repeating: " ", count: indent * (level + 1)), to: &buffer)
    } else if index > 0 {
      try append(", ", to: &buffer)
    }
  }

  private mutating func close(
    _ bracket: String, isEmpty: Bool, _ indent: Int?, _ level: Int, _ buffer: inout [UInt8]
  ) throws(ChatTemplateError) {
    if let indent, !isEmpty {
      try append("\n" + String(repeating: " ", count: indent * level), to: &buffer)
    }
    try append(bracket, to: &buffer)
  }

  private mutating func write(
    jsonString string: String, into buffer: inout [UInt8]
  ) throws(ChatTemplateError) {
    try append(string, quote: "\"", to: &buffer) { byte in
      switch Unicode.Scalar(byte) {
      case "\"": "\\\""
      case "\\": "\\\\"
      case "\n": "\\n"
      case "\r": "\\r"
      case "\t": "\\t"
      case "\u{08}": "\\b"
      case "\u{0C}": "\\f"
      case "\u{00}"..."\u{1F}": "\\u" + Self.hexadecimal(byte, digits: 4)
      default: nil
      }
    }
  }
}
