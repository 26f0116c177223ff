internal import Foundation

/// Keeps a second run out of an output folder: a lock on a file in it, with the owner's name inside.
///
/// The kernel gives the lock back when its process ends in whatever way, so there is no stale lock to
/// clean up. On file systems without locks, or where a cut-off node still holds one, the file's
/// content is the second line of defence: a later owner overwrites it, and `checkOwnership` then
/// stops the earlier one before it writes.
final class OutputLock {
  private let path: String
  private let descriptor: Int32
  private let owner: String

  init(folder: String) throws(TrainingError) {
    path = folder + "/.lock"
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw .io(path: path, operation: "locking", errno: errno) }
    let life = String(UInt64.random(in: 0 ... .max), radix: 36)
    owner =
      "host \(ProcessInfo.processInfo.hostName), process \(getpid()), "
      + "since \(Date().formatted(.iso8601)), life \(life)\n"
    // From here on an error ends this object by `deinit`, which closes the file.
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
      let other = Self.content(of: path)
      throw .locked(path: folder, owner: other.isEmpty ? "another process" : other)
    }
    let bytes = Array(owner.utf8)
    guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, bytes, bytes.count, 0) == bytes.count
    else {
      throw .io(path: path, operation: "locking", errno: errno)
    }
  }

  deinit {
    // Emptied rather than removed: removing would let two processes lock two files of one name.
    if Self.content(of: path) + "\n" == owner { ftruncate(descriptor, 0) }
    close(descriptor)
  }

  /// Throws where another life of this run has taken the folder over.
  func checkOwnership() throws(TrainingError) {
    let content = Self.content(of: path)
    if content + "\n" != owner {
      throw .locked(path: path, owner: content.isEmpty ? "another process" : content)
    }
  }

  private static func content(of path: String) -> String {
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    return text.trimmingCharacters(in: .newlines)
  }
}
