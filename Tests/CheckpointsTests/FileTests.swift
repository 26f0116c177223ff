import Checkpoints
import Foundation
import TestSupport
import Testing

@Suite struct SHA256Tests {
  /// FIPS 180-4 examples (NIST example values for SHA-256).
  @Test(
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ])
  func examples(text: String, digest: String) throws {
    #expect(SHA256.hexDigest(of: Array(text.utf8)) == digest)
    let folder = try TemporaryFolder()
    #expect(try SHA256.hexDigest(ofFile: folder.put("a", Array(text.utf8))) == digest)
  }

  @Test func aMillionInPieces() {
    var hash = SHA256()
    let piece = [UInt8](repeating: UInt8(ascii: "a"), count: 1000)
    for _ in 0..<1000 { piece.withUnsafeBytes { hash.update($0) } }
    #expect(
      hash.hexDigest() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }
}

@Suite struct MappedFileTests {
  @Test func bytesAndAdvice() throws {
    let folder = try TemporaryFolder()
    let bytes = (0..<20_000).map { UInt8(truncatingIfNeeded: $0) }
    let file = try MappedFile(path: folder.put("a", bytes))
    for advice in [MappedFile.Advice.sequential, .random, .willNeed, .dontNeed] {
      file.advise(advice)
      file.advise(advice, 5000..<15_000)
      file.advise(advice, 19_999..<1_000_000)
      file.advise(advice, 7..<7)
      #expect(file.bytes.elementsEqual(bytes))
    }
  }

  @Test func emptyFile() throws {
    let folder = try TemporaryFolder()
    let file = try MappedFile(path: folder.put("a", []))
    file.advise(.willNeed)
    #expect(file.bytes.count == 0)
  }

  @Test func unmapsAtTheEnd() throws {
    let folder = try TemporaryFolder()
    let path = try folder.put("unmapped-\(UUID().uuidString)", [1, 2, 3])
    func isMapped() throws -> Bool {
      let maps = try #require(FileHandle(forReadingAtPath: "/proc/self/maps"))
      return String(decoding: try maps.readToEnd() ?? Data(), as: UTF8.self).contains(path)
    }
    var file: MappedFile? = try MappedFile(path: path)
    #expect(try isMapped())
    withExtendedLifetime(file) {}
    file = nil
    #expect(try !isMapped())
  }
}

@Suite struct AtomicFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func writesAndReplaces() throws {
    try AtomicFile.write("one", to: folder("a"))
    #expect(try fileBytes(folder("a")) == Array("one".utf8))
    try AtomicFile.write([2], to: folder("a"))
    #expect(try fileBytes(folder("a")) == [2])
    #expect(throws: CheckpointError.exists(path: folder("a"))) {
      try AtomicFile.write([3], to: folder("a"), overwrite: false)
    }
    #expect(try fileBytes(folder("a")) == [2])
    #expect(try folder.contents == ["a"])
  }

  /// The folder's own rights decide who may read the output, as for any program.
  @Test func modeFollowsUmask() throws {
    try AtomicFile.write([1], to: folder("a"))
    try folder.put("b", [1])
    func mode(_ path: String) throws -> Int? {
      try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }
    #expect(try mode(folder("a")) == mode(folder("b")))
  }

  @Test func targetIsAFolder() throws {
    let error = #expect(throws: CheckpointError.self) {
      try AtomicFile.write([1], to: folder.path)
    }
    #expect(error?.exitCode == 74)
    #expect(try folder.contents == [])
  }
}

/// A file system of one megabyte. Mounting it needs root.
final class SmallDisk {
  let path: String

  init?() {
    path = NSTemporaryDirectory() + "small-disk-" + UUID().uuidString
    mkdir(path, 0o700)
    guard Self.run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", path) else {
      rmdir(path)
      return nil
    }
  }

  deinit {
    _ = Self.run("umount", path)
    rmdir(path)
  }

  static let isPossible = geteuid() == 0 && SmallDisk() != nil

  private static func run(_ arguments: String...) -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }
}

@Suite(.enabled(if: SmallDisk.isPossible, "mounting a small tmpfs needs root"))
struct FullDiskTests {
  let disk: SmallDisk

  init() throws { disk = try #require(SmallDisk()) }

  var contents: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: disk.path).sorted() }
  }

  @Test func foundOutBeforeTheWork() throws {
    let tensor = TensorDeclaration(name: "a", type: .u8, shape: [2 << 20])
    let error = #expect(throws: CheckpointError.self) {
      try SafetensorsWriter(path: disk.path + "/a", tensors: [tensor])
    }
    guard case .full(_, let needed) = error else {
      Issue.record("expected a full disk, got \(String(describing: error))")
      return
    }
    #expect(needed > 2 << 20 && needed < 2 << 20 + 1000)
    #expect(error?.exitCode == 74)
    #expect(error?.description.contains("\(needed) bytes") == true)
    #expect(try contents == [])
  }

  /// Somebody else fills the disk while the file is being written.
  @Test func foundOutWhileWriting() throws {
    let size = 600 << 10
    let writer = try SafetensorsWriter(
      path: disk.path + "/a", tensors: [TensorDeclaration(name: "a", type: .u8, shape: [size])])
    try Data(count: 700 << 10).write(to: URL(fileURLWithPath: disk.path + "/other"))
    let error = #expect(throws: CheckpointError.self) {
      try writer.append([UInt8](repeating: 1, count: size), to: "a")
      try writer.finish()
    }
    #expect(error == .full(path: disk.path + "/a", needed: writer.fileSize))
    #expect(try contents == ["other"])
  }

  @Test func keepsTheOldFile() throws {
    let path = disk.path + "/a"
    try AtomicFile.write([UInt8](repeating: 1, count: 600 << 10), to: path)
    #expect(throws: CheckpointError.full(path: path, needed: 500 << 10)) {
      try AtomicFile.write([UInt8](repeating: 2, count: 500 << 10), to: path)
    }
    #expect(try fileBytes(path).allSatisfy { $0 == 1 })
    #expect(try contents == ["a"])
  }
}
