internal import ExitCodes

/// What went wrong with a tokenizer or a vocabulary file.
package enum TokenizationError: ExitCoded, Equatable, CustomStringConvertible {
  /// A file is there and its contents are not what its format promises.
  case malformed(source: String, reason: String)
  /// Nothing to read where a tokenizer was expected.
  case missing(source: String, reason: String)
  /// A valid file that asks for something this program does not do.
  case unsupported(source: String, reason: String)

  package var description: String {
    switch self {
    case .malformed(let source, let reason): "\(source): \(reason)"
    case .missing(let source, let reason): "\(source): \(reason)"
    case .unsupported(let source, let reason): "\(source): not supported: \(reason)"
    }
  }

  /// The process exit code of the project's conventions.
  package var exitCode: Int32 {
    switch self {
    case .malformed, .unsupported: 65
    case .missing: 66
    }
  }
}
