internal import Foundation

/// Writes what a search begins with. It is made of the tests' fixtures and of the formats' own
/// writers, so that no corpus has to be kept.
enum Seeds {
  static func write(of target: FuzzTarget, to folder: String) {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let seeds = try target.seeds().filter { $0.count <= target.maximumSize }
      for (number, seed) in seeds.enumerated() {
        try Data(seed).write(to: URL(fileURLWithPath: "\(folder)/seed-\(number)"))
      }
      let dictionary = target.words.map { "\"\(escaped($0))\"\n" }.joined()
      try dictionary.write(toFile: folder + ".dict", atomically: false, encoding: .utf8)
    } catch {
      print("peqa-fuzz: \(target.name): \(error)")
      exit(74)
    }
  }

  /// libFuzzer's form of a text: hexadecimal for all but plain letters.
  private static func escaped(_ text: String) -> String {
    text.utf8.map { String(format: "\\x%02x", $0) }.joined()
  }
}

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
