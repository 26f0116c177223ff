package import Checkpoints
internal import Foundation
internal import Glibc

/// A directory that appears under its name only when it is complete.
///
/// Files go to a hidden directory beside it; `commit` renames that in one step. Without `commit`
/// everything is removed. What stands at `path` is replaced only where `overwrite` is asked for and
/// `isReplaceable` recognises it as something this program made.
package final class StagedDirectory {
  package let path: String
  /// Where files are written until `commit`.
  package let temporary: String
  private let overwrite: Bool
  private let isReplaceable: (String) -> Bool
  private var committed = false

  package init(
    path: String, overwrite: Bool, isReplaceable: @escaping (String) -> Bool
  ) throws(CheckpointError) {
    var clean = path
    while clean.utf8.count > 1, clean.hasSuffix("/") { clean.removeLast() }
    let url = URL(fileURLWithPath: clean)
    self.path = clean
    self.overwrite = overwrite
    self.isReplaceable = isReplaceable
    let parent = url.deletingLastPathComponent().path
    temporary = parent + "/.\(url.lastPathComponent).\(UUID().uuidString.prefix(8)).partial"
    try Self.check(clean, overwrite: overwrite, isReplaceable)
    guard access(parent, F_OK) == 0 else {
      throw .missing(path: parent, remedy: "Create the folder first, or choose another output.")
    }
    guard mkdir(temporary, 0o777) == 0 else { throw Self.failure(temporary, "create") }
  }

  deinit { if !committed { discard() } }

  /// Removes what has been written.
  package func discard() { try? FileManager.default.removeItem(atPath: temporary) }

  /// Gives the directory its name; what was there is removed afterwards.
  package func commit() throws(CheckpointError) {
    try Self.check(path, overwrite: overwrite, isReplaceable)
    if rename(temporary, path) != 0 {
      guard errno == ENOTEMPTY || errno == EEXIST else { throw Self.failure(path, "create") }
      try replace()
    }
    committed = true
    let parent = URL(fileURLWithPath: path).deletingLastPathComponent().path
    let descriptor = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if descriptor >= 0 {
      fsync(descriptor)
      close(descriptor)
    }
  }

  /// The old directory steps aside, the new one takes its place, the old one goes; on failure the
  /// old one comes back. (An exchange in one step, renameat2, is not in Swift's Glibc.)
  private func replace() throws(CheckpointError) {
    let old = temporary + ".old"
    guard rename(path, old) == 0 else { throw Self.failure(path, "replace") }
    guard rename(temporary, path) == 0 else {
      let error = Self.failure(path, "create")
      rename(old, path)
      throw error
    }
    try? FileManager.default.removeItem(atPath: old)
  }

  /// Throws `exists` where something may not be replaced. An empty directory may always be filled.
  package static func check(
    _ path: String, overwrite: Bool, _ isReplaceable: (String) -> Bool
  ) throws(CheckpointError) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    if status.st_mode & S_IFMT == S_IFDIR {
      let content = try? FileManager.default.contentsOfDirectory(atPath: path)
      if content?.isEmpty == true { return }
      if overwrite, isReplaceable(path) { return }
    }
    throw .exists(path: path)
  }

  private static func failure(_ path: String, _ operation: String) -> CheckpointError {
    switch errno {
    case EACCES, EPERM, EROFS: .permission(path: path, operation: operation)
    case ENOSPC, EDQUOT: .full(path: path, needed: 0)
    case EEXIST: .exists(path: path)
    case let code: .system(path: path, operation: operation, code: code)
    }
  }
}
