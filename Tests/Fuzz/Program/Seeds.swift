internal import Foundation
internal import FuzzTargets

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
