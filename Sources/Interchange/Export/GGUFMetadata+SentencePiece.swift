internal import DecoderModel
internal import JSONText
internal import Tokenization

/// Whether a `tokenizer.json` treats spaces as SentencePiece does: as U+2581, with one in front or
/// without.
struct GGUFSpaces {
  private static let marker = "\u{2581}"
  let addsPrefix: Bool
  /// The space in front is not put after special tokens.
  let prefixesOnce: Bool

  init(_ file: TokenizerFile) throws {
    func isSplit(_ step: JSONValue) -> Bool {
      // Spaces are no more when the text comes here (Gemma).
      step["type"]?.string == "Split" && step["pattern"]?["String"]?.string == " "
    }
    var (prefix, replaces) = (false, false)
    for step in file.normalizers + file.preTokenizers.filter({ !isSplit($0) }) {
      switch step["type"]?.string {
      case "Prepend" where step["prepend"]?.string == Self.marker: prefix = true
      case "Replace"
      where step["pattern"]?["String"]?.string == " " && step["content"]?.string == Self.marker:
        replaces = true
      case "Metaspace" where step["replacement"]?.string ?? Self.marker == Self.marker:
        replaces = true
        prefix = Self.scheme(of: step) != "never"
      default:
        throw file.unsupported(
          "llama.cpp has no tokenizer with the step \(step.text()). "
            + "Export the model as gptq or compressed-tensors.")
      }
    }
    guard replaces, file.hasByteFallback, !file.ignoresMerges else {
      throw file.unsupported(
        "the tokenizer is neither byte-level nor as SentencePiece has it (spaces as U+2581, byte "
          + "fallback), and llama.cpp has no other BPE. Export the model as gptq or "
          + "compressed-tensors.")
    }
    addsPrefix = prefix
    prefixesOnce = file.preTokenizers.contains { step in
      step["type"]?.string == "Metaspace" && Self.scheme(of: step) == "first"
    }
  }

  private static func scheme(of step: JSONValue) -> String {
    step["prepend_scheme"]?.string
      ?? ((step["add_prefix_space"]?.bool ?? true) ? "always" : "never")
  }
}

/// Scores of pieces, from the merges of a `tokenizer.json`.
///
/// SentencePiece merges any two neighbours whose union is a piece, the highest score first; a
/// `tokenizer.json` lists pairs. Both are the same where every such pair is listed and the pairs of
/// a piece stand together: then the piece's place in the list is its score, 0, -1, -2 and so on, as
/// SentencePiece's trainer numbers them. (llama.cpp's conversion writes one score for all pieces of
/// such a file, with which nothing merges as it should.)
struct GGUFScores {
  /// By piece; those that no pair makes have the lowest, which nothing asks for.
  let scores: [[UInt8]: Float]

  init(_ file: TokenizerFile) throws {
    let added = Set(file.added.map(\.id))
    let normal = file.tokens.filter { !added.contains($0.id) }.map { Array($0.text.utf8) }
      .filter { GGUFTokens.byte($0) == nil }
    let pieces = Set(normal)
    var scores: [[UInt8]: Float] = [:]
    var pairs: [[UInt8]: Int] = [:]
    var last: [UInt8] = []
    for (left, right) in file.merges {
      let piece = Array(left.utf8) + Array(right.utf8)
      if piece != last {
        guard scores[piece] == nil else { throw Self.fault(file, piece) }
        scores[piece] = -Float(scores.count)
        last = piece
      }
      pairs[piece, default: 0] += 1
    }
    let lowest = -Float(scores.count)
    for piece in normal {
      guard pairs[piece, default: 0] >= Self.cuts(of: piece, into: pieces) else {
        throw Self.fault(file, piece)
      }
      scores[piece] = scores[piece] ?? lowest
    }
    self.scores = scores
  }

  /// In how many ways two pieces make this one.
  private static func cuts(of piece: [UInt8], into pieces: Set<[UInt8]>) -> Int {
    // Where characters begin, but the first.
    let places = piece.indices.dropFirst().filter { piece[$0] & 0xC0 != 0x80 }
    return places.filter {
      pieces.contains(Array(piece[..<$0])) && pieces.contains(Array(piece[$0...]))
    }.count
  }

  private static func fault(_ file: TokenizerFile, _ piece: [UInt8]) -> ModelFileError {
    file.unsupported(
      "llama.cpp merges by the scores of pieces, and the merges of "
        + "\"\(String(decoding: piece, as: UTF8.self))\" do not follow from any. Put the model's "
        + "tokenizer.model beside this file, or export the model as gptq or compressed-tensors.")
  }
}
