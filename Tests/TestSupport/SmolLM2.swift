internal import Foundation

/// SmolLM2-135M-Instruct as GGUF: PEQA_TEST_MODEL, or where the quickstart keeps it; nil elsewhere.
package enum SmolLM2 {
  package static let path: String? = {
    let cached = NSHomeDirectory() + "/.cache/peqa/SmolLM2-135M-Instruct.Q4_1.gguf"
    let candidates = [ProcessInfo.processInfo.environment["PEQA_TEST_MODEL"], cached]
    return candidates.compactMap(\.self).first { FileManager.default.fileExists(atPath: $0) }
  }()
}
