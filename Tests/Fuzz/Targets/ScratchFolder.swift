internal import Foundation

/// A folder for the files that an execution reads; `launch/fuzz` puts it into memory (TMPDIR) and
/// removes it.
struct ScratchFolder: Sendable {
  let path: String

  /// `name` sets it apart from others of this process.
  init(_ name: String = "") {
    path = NSTemporaryDirectory() + "/peqa-fuzz-\(getpid())\(name)"
    let made = mkdir(path, 0o700)
    precondition(made == 0 || errno == EEXIST, "\(path) cannot be made")
  }

  func callAsFunction(_ name: String) -> String { path + "/" + name }

  /// Writes a file with a new inode, so that no earlier mapping sees it change.
  @discardableResult
  func put(_ name: String, _ bytes: UnsafeRawBufferPointer) -> String {
    let path = self(name)
    unlink(path)
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    precondition(file >= 0 && write(file, bytes.baseAddress, bytes.count) == bytes.count, path)
    close(file)
    return path
  }

  @discardableResult
  func put(_ name: String, _ bytes: [UInt8]) -> String {
    bytes.withUnsafeBytes { put(name, $0) }
  }
}
