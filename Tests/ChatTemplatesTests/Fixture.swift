import Foundation

/// Where test data lies.
enum Fixture {
  static let folder =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Fixtures/"

  /// SmolLM2-135M-Instruct as GGUF: PEQA_TEST_MODEL, or where the quickstart keeps it.
  static let smolLM2: String? = {
    let cached = NSHomeDirectory() + "/.cache/peqa/SmolLM2-135M-Instruct.Q4_1.gguf"
    let candidates = [ProcessInfo.processInfo.environment["PEQA_TEST_MODEL"], cached]
    return candidates.compactMap(\.self).first { FileManager.default.fileExists(atPath: $0) }
  }()

  static func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: folder + name)))
  }
}
