internal import Evaluation
internal import Tokenization

/// A file of text, as perplexity and calibration read it.
enum TextFile {
  /// The whole text without BOS or EOS; what looks like a special token in it is text.
  static func tokens(_ path: String, _ tokenizer: Tokenizer) throws -> [Int32] {
    tokens(try PerplexityText.bytes(ofFile: path), tokenizer)
  }

  /// The same of UTF-8 in memory.
  static func tokens(_ bytes: [UInt8], _ tokenizer: Tokenizer) -> [Int32] {
    tokenizer.encode(bytes: bytes, addSpecial: false, parseSpecial: false)
  }
}
