internal import ExitCodes

/// What went wrong with a tokenizer, a vocabulary file or a chat template.
package enum TokenizationError: ExitCoded, Equatable, CustomStringConvertible {
  /// A file is there and its contents are not what its format promises.
  case malformed(source: String, reason: String)
  /// Nothing to read where a tokenizer was expected.
  case missing(source: String, reason: String)
  /// A valid file that asks for something this program does not do.
  case unsupported(source: String, reason: String)
  /// A chat template that does not parse, or failed while rendering; `line` counts from 1.
  case template(line: Int, reason: String)

  package var description: String {
    switch self {
    case .malformed(let source, let reason): "\(source): \(reason)"
    case .missing(let source, let reason): "\(source): \(reason)"
    case .unsupported(let source, let reason): "\(source): not supported: \(reason)"
    case .template(let line, let reason): "chat template, line \(line): \(reason)"
    }
  }

  /// The process exit code of the project's conventions.
  package var exitCode: Int32 {
    switch self {
    case .malformed, .unsupported, .template: 65
    case .missing: 66
    }
  }
}
