internal import Checkpoints
internal import DecoderModel
internal import Foundation
internal import JSONText

/// The file by which Ollama takes a GGUF file: which one, and where answers end. The chat template
/// is in the GGUF file itself.
struct OllamaModelfile {
  let text: String

  /// Stops are those of the base's generation_config.json, by their text in the tokenizer.
  init(_ base: String) throws {
    var lines = ["FROM ./\(ExportFolder.ggufName)"]
    for stop in try Self.stops(base) { lines.append("PARAMETER stop \"\(Self.escaped(stop))\"") }
    text = lines.joined(separator: "\n") + "\n"
  }

  private static func stops(_ base: String) throws -> [String] {
    let path = base + "/tokenizer.json"
    let added = try ModelFiles.jsonIfPresent(path)?["added_tokens"]?.array ?? []
    var ids: [Int] = []
    for name in ["generation_config.json", "config.json"] {
      guard let value = try ModelFiles.jsonIfPresent(base + "/" + name)?["eos_token_id"] else {
        continue
      }
      ids += value.array?.compactMap(\.int) ?? value.int.map { [$0] } ?? []
    }
    return added.filter { $0["id"]?.int.map(ids.contains) == true }
      .compactMap { $0["content"]?.string }
  }

  private static func escaped(_ text: String) -> String {
    text.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"")
  }
}
