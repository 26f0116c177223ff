internal import Evaluation
internal import Tokenization

/// A file of text, as perplexity and calibration read it.
enum TextFile {
  /// The whole text without BOS or EOS; what looks like a special token in it is text.
  static func tokens(_ path: String, _ tokenizer: Tokenizer) throws -> [Int32] {
    tokenizer.encode(
      bytes: try PerplexityText.bytes(ofFile: path), addSpecial: false, parseSpecial: false)
  }
}
