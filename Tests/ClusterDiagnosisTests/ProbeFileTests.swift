import ClusterDiagnosis
import Foundation
import Testing

/// Which rank builds for which: the first rank of each node shows a file and looks for the others'.
@Suite struct ProbeFileTests {
  /// Folder of each rank; ranks with the same one share a file system. The lowest of them builds.
  @Test(arguments: [
    ([0, 0, 0, 0], [0, 0, 0, 0]), ([0, 1, 2, 3], [0, 1, 2, 3]), ([0, 1, 0, 1], [0, 1, 0, 1]),
    ([0, 1, 1, 0], [0, 1, 1, 0]),
  ])
  func oneBuilderPerFileSystem(folders: [Int], builders: [Int]) throws {
    let root = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: root) }
    /// What `rank` finds at the path of `other`'s file.
    func file(of other: Int, seenBy rank: Int) -> ProbeFile {
      ProbeFile(path: root.appending(path: "\(folders[rank])/\(other)").path)
    }
    for rank in folders.indices {
      try FileManager.default.createDirectory(
        at: root.appending(path: "\(folders[rank])"), withIntermediateDirectories: true)
      #expect(file(of: rank, seenBy: rank).write(0) == nil)
    }
    let found = folders.indices.map { rank in
      ProbeFile.lowestSeen(
        (0..<rank).map { ($0, file(of: $0, seenBy: rank)) }, patience: 0.02) ?? rank
    }
    #expect(found == builders)
  }

  /// A file that comes a little later is waited for, one that is written only in part is not seen.
  @Test func lateAndTornFiles() async throws {
    let path = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let file = ProbeFile(path: path)
    try Data([0, 0]).write(to: URL(filePath: path))
    #expect(ProbeFile.lowestSeen([(5, file)], patience: 0.02) == nil)
    async let seen = Task.detached { ProbeFile.lowestSeen([(5, ProbeFile(path: path))]) }.value
    try await Task.sleep(for: .milliseconds(30))
    #expect(file.write(0) == nil)
    #expect(await seen == 5)
  }
}
