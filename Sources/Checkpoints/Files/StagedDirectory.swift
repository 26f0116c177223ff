internal import Glibc

/// A directory that appears under its name only when it is complete.
///
/// Files go to a hidden directory beside it; `commit` gives that the name in one step. Without
/// `commit` everything is removed. What stands at the name before is exchanged for the new
/// directory in one step, so the name is never without a whole directory; file systems that cannot
/// do that get two renames.
package final class StagedDirectory {
  package let path: String
  /// Where files are written until `commit`.
  package let temporary: String
  /// Throws where what stands at `path` must not be replaced.
  private let check: () throws(CheckpointError) -> Void
  private var isCommitted = false
  /// Held as long as this process works on the directory: `leftovers` tells by it who is gone.
  private let lock: OpenFile

  /// A directory at a place of the user's choice, with a hidden name of its own.
  ///
  /// What stands at `path` is replaced only where `overwrite` is asked for and `isReplaceable`
  /// recognises it as something this program made.
  package convenience init(
    path: String, overwrite: Bool, isReplaceable: @escaping (String) -> Bool
  ) throws(CheckpointError) {
    let clean = Self.clean(path)
    let tag = String(UInt32.random(in: 0 ... .max), radix: 36)
    try self.init(
      path: clean,
      temporary: Folder.parent(of: clean) + "/.\(Folder.name(of: clean)).\(tag)" + Self.suffix
    ) { () throws(CheckpointError) in
      try Self.check(clean, overwrite: overwrite, isReplaceable)
    }
  }

  /// A directory in a folder that this process has for itself: always replaces what stands there.
  ///
  /// What stands at `temporary`, of a process that was killed, is removed.
  package convenience init(
    replacing path: String, by temporary: String
  ) throws(CheckpointError) {
    try Folder.remove(temporary)
    try self.init(path: path, temporary: temporary) {}
  }

  private init(
    path: String, temporary: String, check: @escaping () throws(CheckpointError) -> Void
  ) throws(CheckpointError) {
    try check()
    let parent = Folder.parent(of: path)
    guard Folder.exists(parent) else {
      throw .missing(path: parent, remedy: "Create the folder first, or choose another output.")
    }
    guard mkdir(temporary, 0o777) == 0 else { throw .system(errno, "create", temporary) }
    let lock: OpenFile
    do throws(CheckpointError) {
      lock = try OpenFile(temporary, .folder)
    } catch {
      rmdir(temporary)
      throw error
    }
    _ = lock.lock()
    (self.path, self.temporary, self.check, self.lock) = (path, temporary, check, lock)
  }

  deinit { if !isCommitted { discard() } }

  /// Removes what has been written.
  package func discard() { try? Folder.remove(temporary) }

  /// Makes the directory durable and gives it its name; what was there is removed afterwards.
  package func commit() throws(CheckpointError) {
    try check()
    try lock.sync()
    try Self.move(temporary, to: path)
    isCommitted = true
    try Folder.sync(Folder.parent(of: path))
  }

  /// Gives a whole directory the name of another, which is removed then.
  package static func move(_ new: String, to path: String) throws(CheckpointError) {
    guard rename(new, path) != 0 else { return }
    guard errno == ENOTEMPTY || errno == EEXIST else { throw .system(errno, "create", path) }
    let old = try Folder.exchange(new, path) ? new : try stepAside(new, for: path)
    // On the disk too the new one must have the name before the old one goes.
    try Folder.sync(Folder.parent(of: path))
    try? Folder.remove(old)
  }

  /// Without an exchange: the old directory steps aside and the new one takes its place; where that
  /// fails, the old one comes back.
  private static func stepAside(_ new: String, for path: String) throws(CheckpointError) -> String {
    let old = new + ".old"
    try Folder.remove(old)
    try Folder.rename(path, to: old)
    do throws(CheckpointError) {
      try Folder.rename(new, to: path)
    } catch {
      rename(old, path)
      throw error
    }
    return old
  }

  /// Throws `exists` where something may not be replaced. An empty directory may always be filled.
  package static func check(
    _ path: String, overwrite: Bool, _ isReplaceable: (String) -> Bool
  ) throws(CheckpointError) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    if status.st_mode & S_IFMT == S_IFDIR {
      if Folder.names(in: path).isEmpty { return }
      if overwrite, isReplaceable(path) { return }
    }
    throw .exists(path: path)
  }

  private static func clean(_ path: String) -> String {
    var clean = path
    while clean.utf8.count > 1, clean.hasSuffix("/") { clean.removeLast() }
    return clean
  }
}

// What processes that were killed have left.
extension StagedDirectory {
  private static let suffix = ".partial"
  /// A directory younger than this may not be locked yet by the process that has made it.
  private static let graceSeconds = 60

  /// Hidden directories beside `path` whose processes are gone.
  package struct Leftovers: Equatable, Sendable {
    /// Half-made ones, which have been removed.
    package var removed: [String] = []
    /// What stood at `path` before it was replaced: whole, and left for the user to decide about.
    package var replaced: [String] = []
  }

  /// Removes the half-made directories of processes that are gone, and finds replaced ones.
  ///
  /// A process is gone where its directory can be locked. Where the file system has no locks
  /// nothing is removed.
  package static func clearLeftovers(of path: String) -> Leftovers {
    let (parent, name) = (Folder.parent(of: clean(path)), Folder.name(of: clean(path)))
    var found = Leftovers()
    for entry in Folder.names(in: parent) where entry.hasPrefix(".\(name).") {
      let leftover = parent + "/" + entry
      if entry.hasSuffix(suffix + ".old") {
        found.replaced.append(leftover)
      } else if entry.hasSuffix(suffix), isAbandoned(leftover),
        (try? Folder.remove(leftover)) != nil
      {
        found.removed.append(leftover)
      }
    }
    return found
  }

  private static func isAbandoned(_ path: String) -> Bool {
    guard let folder = try? OpenFile(path, .folder), let status = try? folder.status(),
      status.st_mtim.tv_sec < time(nil) - graceSeconds
    else { return false }
    return folder.lock() == true
  }
}
