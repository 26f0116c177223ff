import Checkpoints
import Foundation
import TestSupport
import Testing

/// Every file of `Fixtures/hostile` must give exactly the error its name begins with.
@Suite struct HostileFilesTests {
  static func names(_ suffix: String) -> [String] {
    let all = (try? FileManager.default.contentsOfDirectory(atPath: Fixture.path("hostile"))) ?? []
    return all.filter { $0.hasSuffix(suffix) }.sorted()
  }

  @Test(arguments: names(".safetensors"))
  func safetensors(name: String) throws {
    try expectFault(of: name) { try readEverything(SafetensorsFile(path: $0)) }
  }

  @Test(arguments: names(".gguf"))
  func gguf(name: String) throws {
    try expectFault(of: name) { try readEverything(GGUFFile(path: $0)) }
  }

  @Test(arguments: names(".index.json"))
  func index(name: String) throws {
    let folder = try TemporaryFolder()
    try folder.put(SafetensorsDirectory.indexName, Fixture.bytes("hostile/" + name))
    try folder.put(
      "valid-shard.safetensors", Fixture.bytes("hostile/valid-shard.safetensors"))
    try expectFault(of: name) { _ in
      try readEverything(SafetensorsDirectory(path: folder.path))
    }
  }

  @Test func theCorpusIsThere() {
    #expect(Self.names(".safetensors").count >= 50)
    #expect(Self.names(".gguf").count >= 50)
    #expect(Self.names(".index.json").count >= 10)
  }

  private func expectFault(of name: String, _ read: (String) throws -> Bool) throws {
    let expected = String(name.prefix { $0 != "-" })
    var found = "valid"
    do {
      // Readers of weights refuse numbers that are not finite; the container is valid.
      found = try read(Fixture.path("hostile/" + name)) ? "valid" : "notFinite"
    } catch let error as CheckpointError {
      found = Self.word(error)
      #expect(error.description.contains("/"), "the message names the file")
      #expect(error.exitCode == (found == "missing" ? 66 : 65))
    }
    #expect(found == expected)
  }

  private static func word(_ error: CheckpointError) -> String {
    switch error {
    case .malformed(_, let fault, _): fault.rawValue
    case .unsupported: "unsupported"
    case .missing: "missing"
    default: "\(error)"
    }
  }
}

@Suite struct UnreadableFilesTests {
  @Test func missingFile() throws {
    let folder = try TemporaryFolder()
    for read in [
      { (path: String) throws -> Void in _ = try SafetensorsFile(path: path) },
      { path in _ = try GGUFFile(path: path) },
      { path in _ = try SafetensorsDirectory(path: path) },
      { path in _ = try SHA256.hexDigest(ofFile: path) },
    ] {
      let error = #expect(throws: CheckpointError.self) { try read(folder("absent")) }
      #expect(error?.exitCode == 66)
      #expect(error?.description.contains(folder("absent")) == true)
    }
  }

  @Test func folderInsteadOfFile() throws {
    let folder = try TemporaryFolder()
    let error = #expect(throws: CheckpointError.self) { try MappedFile(path: folder.path) }
    #expect(error?.exitCode == 74)
  }

  /// Opening must not wait for somebody who writes into the pipe.
  @Test(.timeLimit(.minutes(10))) func pipeInsteadOfFile() throws {
    let folder = try TemporaryFolder()
    #expect(mkfifo(folder("pipe"), 0o600) == 0)
    let error = #expect(throws: CheckpointError.self) { try MappedFile(path: folder("pipe")) }
    #expect(error?.exitCode == 74)
  }

  @Test(.enabled(if: geteuid() != 0, "root may read everything")) func noPermission() throws {
    let folder = try TemporaryFolder()
    try folder.put("secret", [1])
    chmod(folder("secret"), 0)
    let error = #expect(throws: CheckpointError.self) { try MappedFile(path: folder("secret")) }
    #expect(error?.exitCode == 77)
  }

  @Test func directoryNamesTheMissingShard() throws {
    let folder = try TemporaryFolder()
    try folder.put(
      SafetensorsDirectory.indexName,
      Array(#"{"weight_map":{"a":"model-00001-of-00002.safetensors"}}"#.utf8))
    let error = #expect(throws: CheckpointError.self) {
      try SafetensorsDirectory(path: folder.path)
    }
    #expect(error?.description.contains("model-00001-of-00002.safetensors") == true)
  }
}
