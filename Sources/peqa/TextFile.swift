internal import Checkpoints
internal import Evaluation
internal import Tokenization

/// A file of plain text.
enum TextFile {
  /// The whole text without BOS or EOS; what looks like a special token in it is text.
  static func tokens(_ path: String, _ tokenizer: Tokenizer) throws -> [Int32] {
    let file = try MappedFile(path: path)
    guard file.bytes.count <= TextPerplexity.longestText else {
      throw EvaluationError.textTooLong(bytes: file.bytes.count)
    }
    let bytes = withExtendedLifetime(file) { Array(file.bytes) }
    return tokenizer.encode(bytes: bytes, addSpecial: false, parseSpecial: false)
  }
}
