internal import Checkpoints
internal import Foundation
internal import JSONText
internal import TestSupport

/// Folders with golden models, and folders of their own for tests that write.
enum Fixtures {
  static func path(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/\(name)").path
  }

  /// Runs `body` with the path of a new folder, which is removed afterwards.
  static func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = try TemporaryFolder()
    return try withExtendedLifetime(folder) { try body(folder.path) }
  }

  /// A copy of a fixture that a test may damage.
  static func withCopy<Result>(
    of name: String, _ body: (String) throws -> Result
  ) throws -> Result {
    try withFolder { folder in
      let copy = folder + "/copy"
      try FileManager.default.copyItem(atPath: path(name), toPath: copy)
      return try body(copy)
    }
  }

  /// Replaces members of a JSON file; nil removes one.
  static func edit(_ path: String, _ changes: [(String, JSONValue?)]) throws {
    var members =
      try JSONValue(parsing: [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))).members ?? []
    for (key, value) in changes {
      members.removeAll { $0.key == key }
      if let value { members.append(.init(key: key, value: value)) }
    }
    try AtomicFile.write(JSONValue.object(members).text(), to: path)
  }
}
