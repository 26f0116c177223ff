import Checkpoints
import Foundation
import Testing

@Suite struct TemporaryFilesTests {
  /// The process identifier of a program that has ended.
  private func gone() throws -> Int32 {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/true")
    try process.run()
    process.waitUntilExit()
    return process.processIdentifier
  }

  private var host: String {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, 255)
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  @Test func abandonedFilesAreRemovedAndNoOthers() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (gone, day) = (try gone(), 25 * 3600.0)
    let abandoned = [
      ("a.tokens.\(host)-\(gone)-k3.tmp", 120.0), ("b.tokens.other-host-\(getpid())-x.tmp", day),
      ("c.tokens.\(host)-\(getpid())-x.tmp", day), ("d.tokens.4711-x.tmp", day),
    ]
    let kept = [
      ("a.tokens", day), ("b.tokens.\(host)-\(getpid())-x.tmp", 120.0),
      ("c.tokens.other-\(gone)-x.tmp", 120.0), ("d.tokens.\(host)-\(gone)-x.tmp", 5.0),
      ("notes.tmp", day), ("e.tokens.draft.tmp", day), ("f.json.\(host)-\(gone)-x.tmp", day),
    ]
    for (name, age) in abandoned + kept {
      let path = folder.appending(path: name).path
      #expect(FileManager.default.createFile(atPath: path, contents: Data([1])))
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSinceNow: -age)], ofItemAtPath: path)
    }
    let removed = TemporaryFiles.removeAbandoned(from: folder.path, suffix: ".tokens")
    #expect(removed.sorted() == abandoned.map(\.0).sorted())
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        == kept.map(\.0).sorted())
    #expect(TemporaryFiles.removeAbandoned(from: "/nonexistent", suffix: ".tokens").isEmpty)
  }
}
