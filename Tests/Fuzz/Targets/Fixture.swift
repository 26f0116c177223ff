internal import Foundation

/// Files of the tests' fixtures.
enum Fixture {
  private static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

  static func path(_ name: String) -> String { tests + "/" + name }

  static func bytes(atPath path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  /// All files of some folders whose names end so; the folders lie in `Tests`.
  static func all(_ suffix: String, in folders: [String] = [""]) throws -> [[UInt8]] {
    try folders.flatMap { folder in
      try FileManager.default.subpathsOfDirectory(atPath: path(folder)).sorted()
        .filter { $0.hasSuffix(suffix) }.map { try bytes(atPath: path(folder) + "/" + $0) }
    }
  }
}
