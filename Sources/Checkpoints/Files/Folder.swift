internal import CFiles
internal import Foundation
internal import SystemPackage

/// The few operations on folders and names, each durable where it says so.
package enum Folder {
  package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// The folder that a path lies in, `.` for a bare name.
  package static func parent(of path: String) -> String {
    let parent = FilePath(path).removingLastComponent()
    return parent.isEmpty ? "." : parent.string
  }

  /// The last component of a path.
  package static func name(of path: String) -> String {
    FilePath(path).lastComponent?.string ?? path
  }

  /// Makes the folder and those above it.
  package static func make(_ path: String) throws(CheckpointError) {
    if mkdir(path, 0o777) == 0 { return }
    let code = errno
    switch code {
    case EEXIST where isFolder(path): return
    case ENOENT where parent(of: path) != path:
      try make(parent(of: path))
      // Another process may make the same folder meanwhile.
      guard mkdir(path, 0o777) == 0 || errno == EEXIST else {
        throw .system(errno, "create", path)
      }
    case EEXIST: throw .system(path: path, operation: "create", code: ENOTDIR)
    default: throw .system(code, "create", path)
    }
  }

  package static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Names in the folder, sorted; empty where there is no such folder.
  package static func names(in path: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
  }

  /// Removes a file or a folder with all in it, if it is there.
  package static func remove(_ path: String) throws(CheckpointError) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    do {
      try FileManager.default.removeItem(atPath: path)
    } catch {
      let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
      throw .system(Int32(clamping: cause?.code ?? Int(EIO)), "remove", path)
    }
  }

  package static func rename(_ old: String, to new: String) throws(CheckpointError) {
    guard Foundation.rename(old, new) == 0 else { throw .system(errno, "rename", new) }
  }

  /// Exchanges what two names stand for, in one step.
  ///
  /// - Returns: false where the kernel or the file system cannot; then nothing has changed.
  package static func exchange(_ one: String, _ other: String) throws(CheckpointError) -> Bool {
    switch peqa_exchange(one, other) {
    case 0: return true
    case ENOSYS, EINVAL, EOPNOTSUPP: return false
    case let code: throw .system(code, "exchange", other)
    }
  }

  /// Makes the names in a folder durable.
  package static func sync(_ path: String) throws(CheckpointError) {
    try OpenFile(path, .folder).sync()
  }
}
