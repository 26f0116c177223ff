extension JSONValue {
  /// The document as UTF-8 text, members in their order.
  ///
  /// `indent` nil gives one line. Non-finite reals are written as null, as JSON has no word for
  /// them.
  package func text(indent: Int? = nil) -> String {
    var output = ""
    write(to: &output, indent: indent, level: 0)
    return output
  }

  private func write(to output: inout String, indent: Int?, level: Int) {
    switch self {
    case .null: output += "null"
    case .bool(let bool): output += bool ? "true" : "false"
    case .integer(let int): output += String(int)
    case .real(let real): output += real.isFinite ? "\(real)" : "null"
    case .string(let string): JSONValue.writeQuoted(string, to: &output)
    case .array(let elements):
      JSONValue.writeList(elements, "[", "]", to: &output, indent: indent, level: level) {
        $0.write(to: &$1, indent: indent, level: level + 1)
      }
    case .object(let members):
      JSONValue.writeList(members, "{", "}", to: &output, indent: indent, level: level) {
        JSONValue.writeQuoted($0.key, to: &$1)
        $1 += indent == nil ? ":" : ": "
        $0.value.write(to: &$1, indent: indent, level: level + 1)
      }
    }
  }

  private static func writeList<Element>(
    _ elements: [Element], _ open: String, _ close: String, to output: inout String,
    indent: Int?, level: Int, _ write: (Element, inout String) -> Void
  ) {
    output += open
    for (index, element) in elements.enumerated() {
      if index > 0 { output += "," }
      if let indent { output += "\n" + String(repeating: " ", count: indent * (level + 1)) }
      write(element, &output)
    }
    if let indent, !elements.isEmpty {
      output += "\n" + String(repeating: " ", count: indent * level)
    }
    output += close
  }

  private static func writeQuoted(_ string: String, to output: inout String) {
    output += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": output += "\\\""
      case "\\": output += "\\\\"
      case "\n": output += "\\n"
      case "\r": output += "\\r"
      case "\t": output += "\\t"
      case "\u{00}"..."\u{1F}", "\u{7F}":
        let digits = String(scalar.value, radix: 16)
        output += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: output.unicodeScalars.append(scalar)
      }
    }
    output += "\""
  }
}
