internal import DecoderModel
internal import JSONText
internal import Tokenization

/// Names of pre-tokenizers that `llama.cpp` knows, of those whose patterns are read here.
///
/// Its conversion looks a model up by the ids of a text and so refuses every tokenizer that is not
/// in its list; the name stands for a pattern and for whether whole words go before merges, and
/// these a `tokenizer.json` tells. Names that stand for the same are one here: `gpt-2` is also mpt,
/// `smollm` also starcoder, refact and command-r, `dbrx` also smaug-bpe, `qwen2` also stablelm2.
///
/// Source: src/llama-vocab.cpp of llama.cpp.
enum GGUFPreTokenizer: String {
  case gpt2 = "gpt-2"
  /// The same pattern, by convention where the model composes characters first (NFC), as GPT-NeoX.
  case olmo
  /// Every digit by itself, else GPT-2.
  case smollm
  case llama3 = "llama-bpe"
  case dbrx
  case qwen2
  case tekken
  case gpt4o = "gpt-4o"

  /// Of a byte-level tokenizer. llama.cpp never normalises text; NFC is passed over with a note, as
  /// most texts are composed.
  init(_ file: TokenizerFile) throws {
    let kinds = file.normalizers.map { $0["type"]?.string ?? "?" }
    guard kinds.allSatisfy({ $0 == "NFC" }) else {
      throw file.unsupported(
        "the tokenizer normalises text by \(kinds.joined(separator: ", ")), which llama.cpp does "
          + "not do with byte-level tokenizers. " + Self.advice)
    }
    var (patterns, splitsDigits): ([SplitPattern], Bool) = ([], false)
    for step in file.preTokenizers {
      switch step["type"]?.string {
      case "Digits" where step["individual_digits"]?.bool == true && patterns.isEmpty:
        splitsDigits = true
      case "Split":
        guard let regex = step["pattern"]?["Regex"]?.string, let known = SplitPattern(regex: regex)
        else { throw Self.unknown(file) }
        patterns.append(known)
      case "ByteLevel":
        if step["add_prefix_space"]?.bool ?? true {
          throw file.unsupported(
            "the tokenizer puts a space before every text (add_prefix_space), which llama.cpp does "
              + "not do with byte-level tokenizers. " + Self.advice)
        }
        if step["use_regex"]?.bool ?? true { patterns.append(.gpt2) }
      default: throw Self.unknown(file)
      }
    }
    let composes = !kinds.isEmpty
    switch (patterns, splitsDigits, file.ignoresMerges) {
    case ([.gpt2], false, false): self = composes ? .olmo : .gpt2
    case ([.gpt2], true, false): self = .smollm
    case ([.cl100k(digits: 3)], false, true): self = .llama3
    case ([.cl100k(digits: 3)], false, false): self = .dbrx
    case ([.cl100k(digits: 1)], false, false): self = .qwen2
    case ([.cased(digits: 1, joinsContractions: false)], false, true): self = .tekken
    case ([.cased(digits: 3, joinsContractions: true)], false, false): self = .gpt4o
    default: throw Self.unknown(file)
    }
  }

  private static let advice = "Export the model as gptq or compressed-tensors."

  private static func unknown(_ file: TokenizerFile) -> ModelFileError {
    let steps = file.preTokenizers.map { $0.text() }.joined(separator: ", ")
    let shown = steps.count > 300 ? steps.prefix(300) + " ..." : steps
    return file.unsupported(
      "llama.cpp has no name for a pre-tokenizer of this form "
        + "(ignore_merges \(file.ignoresMerges)): \(shown). " + advice)
  }
}
