internal import Checkpoints
internal import Foundation
package import JSONText

/// Small files of a model directory.
package enum ModelFiles {
  /// A GGUF file of metadata alone.
  package static let tokenizerGGUF = "tokenizer.gguf"
  /// Files beside the weights that say how text becomes tokens and back, as far as they exist.
  package static let tokenizerNames = [
    "tokenizer.json", "tokenizer_config.json", "tokenizer.model", "special_tokens_map.json",
    "added_tokens.json", "generation_config.json", "chat_template.jinja", "chat_template.json",
    "vocab.json", "merges.txt", tokenizerGGUF,
  ]
  /// At least one of these makes a tokenizer for other programs.
  package static let essentialTokenizerNames = ["tokenizer.json", "tokenizer.model", "vocab.json"]

  /// Parses a JSON file; errors name the file and the place in it.
  package static func json(_ path: String) throws -> JSONValue {
    do {
      return try JSONValue(parsing: OpenFile.contents(of: path))
    } catch let error as JSONSyntaxError {
      throw ModelFileError.faults(path: path, ["not JSON: \(error)"])
    }
  }

  /// The same where there is such a file, else nil.
  package static func jsonIfPresent(_ path: String) throws -> JSONValue? {
    guard Folder.exists(path) else { return Optional.none }
    return try json(path)
  }
}

extension ModelSource {
  /// Size of all tensors in the file, in bytes.
  package var byteCount: Int { files.tensors.reduce(0) { $0 + $1.byteRange.count } }
}
