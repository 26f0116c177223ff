internal import Checkpoints
internal import RunHistory

/// Whether somebody trains a run at this moment.
enum RunLock {
  /// The owner of the run's lock, as the lock names it; nil where nobody has it.
  static func owner(ofRun folder: String) -> String? {
    let path = "\(folder)/\(RunFile.lock)"
    guard Folder.exists(path), let file = try? OpenFile(path, .reading) else { return nil }
    // The lock goes back with the file, at once.
    guard file.lock() == false else { return nil }
    let text = String(decoding: (try? file.read(atMost: 1024)) ?? [], as: UTF8.self)
    return text.isEmpty ? "another process" : String(text.prefix { $0 != "\n" })
  }
}
