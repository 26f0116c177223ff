internal import Checkpoints
internal import Foundation
internal import RunHistory

/// Keeps a second run out of an output folder: a lock on a file in it, with the owner's name
/// inside.
///
/// The kernel gives the lock back when its process ends in whatever way, so there is no stale lock
/// to clean up. On file systems without locks, or where a cut-off node still holds one, the file's
/// content is the second line of defence: a later owner overwrites it, and `checkOwnership` then
/// stops the earlier one before it writes.
final class OutputLock {
  private let path: String
  private let file: OpenFile
  /// What the file says while this lock is held.
  private let owner: String

  init(folder: String) throws {
    path = "\(folder)/\(RunFile.lock)"
    file = try OpenFile(path, .updating)
    let attempt = String(UInt64.random(in: 0 ... .max), radix: 36)
    owner =
      RunOwner(
        host: ProcessInfo.processInfo.hostName, process: Int(getpid()), since: Date(),
        attempt: attempt
      ).description + "\n"
    // From here on an error ends this object by `deinit`, and the file is closed with it.
    if file.lock() == false {
      let other = Self.content(of: path)
      throw TrainingError.locked(path: folder, owner: other.isEmpty ? "another process" : other)
    }
    try file.resize(to: 0)
    try file.write(Array(owner.utf8))
  }

  deinit {
    // Emptied rather than removed: removing would let two processes lock two files of one name.
    if Self.content(of: path) + "\n" == owner { try? file.resize(to: 0) }
  }

  /// Throws where another attempt of this run has taken the folder over.
  func checkOwnership() throws(TrainingError) {
    let content = Self.content(of: path)
    if content + "\n" != owner {
      throw .locked(path: path, owner: content.isEmpty ? "another process" : content)
    }
  }

  private static func content(of path: String) -> String {
    let bytes = (try? OpenFile.contents(of: path)) ?? []
    return String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .newlines)
  }
}
