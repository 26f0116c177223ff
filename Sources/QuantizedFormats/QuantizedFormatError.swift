internal import ExitCodes

/// What can be wrong with the quantized matrices of a file.
package enum QuantizedFormatError: ExitCoded, Equatable, CustomStringConvertible {
  /// Bytes, shapes or numbers that cannot be.
  case malformed(path: String, detail: String)
  /// A format or a variant that is not read here; `detail` says what to do.
  case unsupported(path: String, detail: String)

  package var exitCode: Int32 { 65 }

  package var description: String {
    switch self {
    case .malformed(let path, let detail), .unsupported(let path, let detail): "\(path): \(detail)"
    }
  }
}
