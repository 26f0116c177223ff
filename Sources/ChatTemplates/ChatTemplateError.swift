internal import ExitCodes

/// What went wrong with a chat template, or with a conversation that it cannot render.
package enum ChatTemplateError: ExitCoded, Equatable, CustomStringConvertible {
  /// The template does not parse, or failed while rendering; `line` counts from 1.
  case faulty(line: Int, reason: String)
  /// No built-in template has this name.
  case unknownName(String)

  package var description: String {
    switch self {
    case .faulty(let line, let reason): "chat template, line \(line): \(reason)"
    case .unknownName(let name):
      "chat_template: \"\(name)\" is no built-in template "
        + "(known: \(ChatTemplate.names.joined(separator: ", ")))"
    }
  }

  /// The process exit code of the project's conventions.
  package var exitCode: Int32 { 65 }
}
