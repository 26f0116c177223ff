package import Collectives
internal import Foundation

extension FolderProbe {
  /// The rank that is to write into `folder` for this one: the lowest one that shares it, which may
  /// be this rank itself.
  ///
  /// One file system has one such rank, however many nodes mount it; on folders of its own every
  /// node has one. The first rank of each node puts a file there and looks for those of the others.
  /// All ranks call it together. Where folders are not shared it takes `patience` seconds.
  package static func builder(in folder: String, _ communicator: Communicator) throws -> Int {
    let token = String(
      decoding: try communicator.broadcast(Array("\(UInt64.random(in: 0 ... .max))".utf8)),
      as: UTF8.self)
    func file(_ rank: Int) -> ProbeFile {
      ProbeFile(path: "\(folder)/.peqa-probe-\(token)-\(rank)")
    }
    let isFirst = communicator.nodeRank == 0
    // With a single node there is nothing to find out.
    let isShown =
      isFirst && communicator.ranksOnNode < communicator.size
      && show(file(communicator.rank), in: folder)
    defer { if isShown { file(communicator.rank).remove() } }
    let shown = try communicator.allGather([isShown ? 1 : 0])
    let lower = (0..<communicator.rank).filter { isFirst && shown[$0] == [1] }
    let builder = ProbeFile.lowestSeen(lower.map { ($0, file($0)) })
    return try ofNode(builder ?? communicator.rank, communicator)
  }

  /// Makes the folder and puts the file there. False where that cannot be done: then a cache that
  /// is there already may still be read.
  private static func show(_ file: ProbeFile, in folder: String) -> Bool {
    try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    return file.write(0) == nil
  }

  /// What the first rank of each node has found, on all ranks of the node. A collective, so nobody
  /// removes its file before all have looked.
  private static func ofNode(_ found: Int, _ communicator: Communicator) throws -> Int {
    let mine = communicator.nodeRank == 0 ? "\(found) \(communicator.hostName)" : ""
    let all = try communicator.allGather(Array(mine.utf8)).map {
      String(decoding: $0, as: UTF8.self).split(separator: " ", maxSplits: 1)
    }
    let first = all.first { $0.count == 2 && String($0[1]) == communicator.hostName }
    return first.flatMap { Int($0[0]) } ?? communicator.rank
  }
}
