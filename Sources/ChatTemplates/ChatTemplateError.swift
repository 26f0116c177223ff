internal import ExitCodes

/// What went wrong with a chat template, or with a conversation that it cannot render.
package enum ChatTemplateError: ExitCoded, Equatable, CustomStringConvertible {
  /// The template does not parse, or failed while rendering; `line` counts from 1.
  case faulty(line: Int, reason: String)
  /// No built-in template has this name.
  case unknownName(String)
  /// The conversation is longer than this program renders.
  case tooManyMessages(Int)

  package var description: String {
    switch self {
    case .faulty(let line, let reason): "chat template, line \(line): \(Self.printable(reason))"
    case .tooManyMessages(let count):
      "a conversation of \(count) messages; at most \(ChatTemplate.maximumMessages) are rendered. "
        + "Split it into several"
    case .unknownName(let name):
      "chat_template: \"\(Self.printable(name))\" is no built-in template "
        + "(known: \(ChatTemplate.names.joined(separator: ", ")))"
    }
  }

  /// The process exit code of the project's conventions.
  package var exitCode: Int32 { 65 }

  /// A text out of a template as a terminal may show it: control characters written out, and not
  /// more than 1000 characters.
  private static func printable(_ text: String) -> String {
    let shown = text.unicodeScalars.prefix(1000).map { scalar in
      scalar.properties.generalCategory == .control
        ? "\\u{\(String(scalar.value, radix: 16))}" : String(Character(scalar))
    }
    return shown.joined() + (text.unicodeScalars.dropFirst(1000).isEmpty ? "" : "...")
  }
}
