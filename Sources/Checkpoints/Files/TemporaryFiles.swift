internal import Glibc

/// Files that are being written, by their names: `PATH.HOST-PROCESS-RANDOM.tmp`.
///
/// A program that is killed leaves them behind. The name says whose they were, so that another
/// start can tell what is abandoned, on file systems that hosts share too.
package enum TemporaryFiles {
  static func name(for path: String) -> String {
    let random = String(UInt32.random(in: 0 ... .max), radix: 36)
    return "\(path).\(host)-\(getpid())-\(random).tmp"
  }

  /// Removes temporaries of files `*suffix` from `folder` that nobody writes any more, and gives
  /// their names: those of processes that are gone from this host, and any older than a day.
  ///
  /// What was written to within the last minute is left alone: a process of another container may
  /// have the same host name. Never fails; what cannot be removed stays.
  @discardableResult
  package static func removeAbandoned(from folder: String, suffix: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var removed: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard let owner = Owner(of: name, suffix: suffix), isAbandoned("\(folder)/\(name)", owner),
        unlink("\(folder)/\(name)") == 0
      else { continue }
      removed.append(name)
    }
    return removed
  }

  /// Who writes a temporary file, as its name says.
  private struct Owner {
    var host: String
    var process: Int32

    /// Nil where the name is none of a temporary file.
    init?(of name: String, suffix: String) {
      guard name.hasSuffix(".tmp"), let end = name.endOfLast(suffix + ".") else { return nil }
      let words = name[end...].dropLast(4).split(separator: "-", omittingEmptySubsequences: false)
      guard words.count >= 2, let process = Int32(words[words.count - 2]), process > 0 else {
        return nil
      }
      host = words.dropLast(2).joined(separator: "-")
      self.process = process
    }
  }

  private static func isAbandoned(_ path: String, _ owner: Owner) -> Bool {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return false }
    let age = time(nil) - status.st_mtim.tv_sec
    if age > 24 * 3600 { return true }
    let isGone = owner.host == host && kill(owner.process, 0) != 0 && errno == ESRCH
    return isGone && age > 60
  }

  private static let host: String = {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }()
}

extension String {
  /// The end of the last place of `word`; nil where it is not there.
  fileprivate func endOfLast(_ word: String) -> String.Index? {
    ranges(of: word).last?.upperBound
  }
}
