internal import ExitCodes

/// What can be wrong with a model, as far as the files themselves are valid: what, where, remedy.
package enum ModelFileError: ExitCoded, Equatable, Sendable, CustomStringConvertible {
  /// Nothing at `path` that is a model.
  case missing(path: String, remedy: String)
  /// Numbers or tensors that are wrong or do not fit together, all of them.
  case faults(path: String, [String])
  /// A valid model that needs something this program does not have.
  case unsupported(path: String, detail: String)
  /// A NaN or an infinity.
  case notFinite(path: String, tensor: String, row: Int, column: Int)
  /// The base is not the one that its manifest (or an adapter) speaks of.
  case digest(path: String, detail: String)

  package var exitCode: Int32 {
    switch self {
    case .missing: 66
    case .faults, .unsupported, .notFinite, .digest: 65
    }
  }

  package var description: String {
    switch self {
    case .missing(let path, let remedy): return "\(path): \(remedy)"
    case .faults(let path, let faults):
      if faults.count == 1 { return "\(path): \(faults[0])" }
      let shown = faults.prefix(20).map { "\n  - \($0)" }.joined()
      let more = faults.count > 20 ? "\n  ... and \(faults.count - 20) more" : ""
      return "\(path): \(faults.count) faults:\(shown)\(more)"
    case .unsupported(let path, let detail): return "\(path): \(detail)"
    case .notFinite(let path, let tensor, let row, let column):
      return "\(path): tensor \"\(tensor)\" is NaN or infinite at row \(row), column \(column). "
        + "The weights are broken; get the file again from its source."
    case .digest(let path, let detail): return "\(path): \(detail)"
    }
  }
}
