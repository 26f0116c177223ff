internal import Checkpoints
package import Collectives
internal import Foundation

/// Writes a file on rank 0 and looks at it from all others: is the folder shared, and is a file
/// that is replaced by renaming always there and whole?
package struct FolderProbe {
  private let communicator: Communicator
  private let folder: String
  private let file: ProbeFile

  private static let renames = 40

  /// All ranks call it together. `path` need not exist: the nearest folder above it that does is
  /// probed then, and nothing is made.
  package static func probe(
    _ path: String, _ communicator: Communicator
  ) throws -> RankFacts.FolderFacts {
    // Rank 0 decides, as the one that writes.
    let chosen = try communicator.broadcast(
      Array("\(UInt64.random(in: 0 ... .max)) \(existing(path))".utf8))
    let words = String(decoding: chosen, as: UTF8.self).split(separator: " ", maxSplits: 1)
    let (token, folder) = (String(words[0]), words.count > 1 ? String(words[1]) : "/")
    return try FolderProbe(
      communicator: communicator, folder: folder,
      file: ProbeFile(path: "\(folder)/.peqa-doctor-\(token)"))()
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
    defer { if communicator.rank == 0 { file.remove() } }
    if communicator.rank == 0, let error = file.write(0) {
      facts.fault = "rank 0 cannot write there: \(error)"
      facts.faultCode = error.exitCode == 77 ? 77 : 74
    }
    guard try communicator.allAgree(facts.faultCode) == 0 else { return facts }
    facts.isSeen = file.isSoonSeen()
    guard try communicator.allAgree(facts.isSeen ? 0 : 1) == 0 else { return facts }
    try watchRenames(&facts)
    return facts
  }

  /// Rank 0 replaces the file again and again, the others look at it.
  private func watchRenames(_ facts: inout RankFacts.FolderFacts) throws {
    let new = ProbeFile(path: file.path + ".new")
    try communicator.barrier()
    for round in 1...Self.renames {
      if communicator.rank == 0 {
        if new.write(UInt8(round)) != nil || rename(new.path, file.path) != 0 {
          facts.tornLooks += 1
        }
        usleep(500)
      }
      if communicator.rank != 0 || communicator.size == 1 {
        for _ in 0..<4 {
          facts.looks += 1
          if file.contents() == nil { facts.tornLooks += 1 }
          usleep(150)
        }
      }
    }
    try communicator.barrier()
    new.remove()
  }
}
