internal import ExitCodes
internal import Glibc

/// Everything that can go wrong with a checkpoint file: what, where, remedy.
package enum CheckpointError: ExitCoded, Equatable, CustomStringConvertible {
  /// A file or folder that should be there is not.
  case missing(path: String, remedy: String)
  case permission(path: String, operation: String)
  /// The output is there already and nobody asked to replace it.
  case exists(path: String)
  /// No room; `needed` is the size of the whole file in bytes.
  case full(path: String, needed: Int)
  /// A mapped file was shortened, or its disk failed, while it was in use.
  case unreadable(path: String)
  /// Another failure of the operating system.
  case system(path: String, operation: String, code: Int32)
  /// The bytes break the rules of the format.
  case malformed(path: String, fault: Fault, detail: String)
  /// A valid file that uses something this program does not read.
  case unsupported(path: String, detail: String)

  /// Which rule of the format is broken.
  package enum Fault: String, Sendable {
    case truncated, headerSize, syntax, elementType, shape, size, overlap, hole, outOfFile
    case duplicate, alignment, count, nesting, encoding, index, missingTensor, value
  }

  /// A code of sysexits.h.
  package var exitCode: Int32 {
    switch self {
    case .malformed, .unsupported: 65
    case .missing: 66
    case .exists: 73
    case .full, .unreadable, .system: 74
    case .permission: 77
    }
  }

  package var description: String {
    switch self {
    case .missing(let path, let remedy):
      "\(path): not found. \(remedy)"
    case .permission(let path, let operation):
      "\(path): no permission to \(operation). Check owner and mode of the file and its folder."
    case .exists(let path):
      "\(path): exists already. Choose another name, or ask to overwrite it."
    case .full(let path, let needed):
      "\(path): the disk is full; the file needs \(needed) bytes. Free some space; nothing was left behind."
    case .unreadable(let path):
      // The words of FaultGuard, which cannot use these.
      "\(path): was shortened or cannot be read while it is in use. Put the whole file back, or "
        + "look at its disk or file server, then start again."
    case .system(let path, let operation, let code):
      "\(path): cannot \(operation): \(String(cString: strerror(code)))."
    case .malformed(let path, .missingTensor, let detail):
      "\(path): \(detail)"
    case .malformed(let path, _, let detail):
      "\(path): \(detail). The file is damaged or incomplete; get it again from its source."
    case .unsupported(let path, let detail):
      "\(path): \(detail)"
    }
  }

  /// The same failure, of the file that was to be in place of its temporary one.
  func naming(_ path: String) -> CheckpointError {
    switch self {
    case .missing(_, let remedy): .missing(path: path, remedy: remedy)
    case .permission(_, let operation): .permission(path: path, operation: operation)
    case .exists: .exists(path: path)
    case .full(_, let needed): .full(path: path, needed: needed)
    case .system(_, let operation, let code):
      .system(path: path, operation: operation, code: code)
    case .unreadable, .malformed, .unsupported: self
    }
  }

  /// The error for a failed system call; `needed` is the size of the file being written.
  static func system(
    _ code: Int32, _ operation: String, _ path: String, needed: Int = 0
  ) -> CheckpointError {
    switch code {
    case ENOENT, ENOTDIR:
      .missing(path: path, remedy: "Check the spelling, and that the folder exists.")
    case EACCES, EPERM, EROFS: .permission(path: path, operation: operation)
    case EEXIST: .exists(path: path)
    case ENOSPC, EDQUOT: .full(path: path, needed: needed)
    default: .system(path: path, operation: operation, code: code)
    }
  }
}
