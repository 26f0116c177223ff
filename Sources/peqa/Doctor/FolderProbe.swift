internal import Collectives
internal import Foundation

/// Writes a file on rank 0 and looks at it from all others: is the folder shared, and is a file that
/// is replaced by renaming always there and whole?
struct FolderProbe {
  private let communicator: Communicator
  private let folder: String
  private let name: String

  /// A caching network file system may show a new file some seconds late.
  private static let patience = 3.0
  private static let renames = 40
  private static let size = 1 << 14

  /// All ranks call it together. `path` need not exist: the nearest folder above it that does is
  /// probed then, and nothing is made.
  static func probe(
    _ path: String, _ communicator: Communicator
  ) throws -> RankFacts.FolderFacts {
    // Rank 0 decides, as the one that writes.
    let chosen = try communicator.broadcast(
      Array("\(UInt64.random(in: 0 ... .max)) \(existing(path))".utf8))
    let words = String(decoding: chosen, as: UTF8.self).split(separator: " ", maxSplits: 1)
    let (token, folder) = (String(words[0]), words.count > 1 ? String(words[1]) : "/")
    return try FolderProbe(
      communicator: communicator, folder: folder, name: "\(folder)/.peqa-doctor-\(token)")()
  }

  private static func existing(_ path: String) -> String {
    var url = URL(fileURLWithPath: path.isEmpty ? "." : path).standardizedFileURL
    while !FileManager.default.fileExists(atPath: url.path), url.path != "/" {
      url.deleteLastPathComponent()
    }
    return url.path
  }

  private func callAsFunction() throws -> RankFacts.FolderFacts {
    var facts = RankFacts.FolderFacts()
    facts.path = folder
    facts.freeBytes = RankFacts.freeBytes(of: folder)
    defer { if communicator.rank == 0 { unlink(name) } }
    if communicator.rank == 0, let code = write(0, to: name) {
      let reason = String(cString: strerror(code))
      facts.fault = "rank 0 cannot write there: \(reason)"
      facts.faultCode = [EACCES, EPERM, EROFS].contains(code) ? 77 : 74
    }
    guard try communicator.allAgree(facts.faultCode) == 0 else { return facts }
    let began = Date()
    while contents() != 0, -began.timeIntervalSinceNow < Self.patience { usleep(5000) }
    facts.isSeen = contents() == 0
    guard try communicator.allAgree(facts.isSeen ? 0 : 1) == 0 else { return facts }
    try watchRenames(&facts)
    return facts
  }

  /// Rank 0 replaces the file again and again, the others look at it.
  private func watchRenames(_ facts: inout RankFacts.FolderFacts) throws {
    try communicator.barrier()
    for round in 1...Self.renames {
      if communicator.rank == 0 {
        if write(UInt8(round), to: name + ".new") != nil || rename(name + ".new", name) != 0 {
          facts.tornLooks += 1
        }
        usleep(500)
      }
      if communicator.rank != 0 || communicator.size == 1 {
        for _ in 0..<4 {
          facts.looks += 1
          if contents() == nil { facts.tornLooks += 1 }
          usleep(150)
        }
      }
    }
    try communicator.barrier()
    unlink(name + ".new")
  }

  /// The error number where it cannot be written.
  private func write(_ byte: UInt8, to path: String) -> Int32? {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard file >= 0 else { return errno }
    defer { close(file) }
    let bytes = [UInt8](repeating: byte, count: Self.size)
    let count = Foundation.write(file, bytes, bytes.count)
    if count == bytes.count { return nil }
    return count < 0 ? errno : ENOSPC
  }

  /// The byte that the whole file consists of; nil where it is not there or not whole.
  private func contents() -> UInt8? {
    let file = open(name, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 255, count: Self.size + 1)
    guard read(file, &bytes, bytes.count) == Self.size else { return nil }
    return bytes[..<Self.size].allSatisfy { $0 == bytes[0] } ? bytes[0] : nil
  }
}
