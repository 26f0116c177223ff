import Datasets
import Foundation
import TestSupport

/// The simplest tokenizer: a byte is its own id, four special tokens follow.
struct ByteTokenizer: TextEncoder {
  static let special = ["<s>", "</s>", "<|im_start|>", "<|im_end|>"]
  var bosID: Int32? = 256
  var beginsWithBOS = true
  var eosID: Int32? = 257
  var splitsBetweenWords = true
  var fingerprint = "bytes"

  func encode(_ text: String, parseSpecial: Bool, after previous: Int32?) -> [Int32] {
    guard parseSpecial else { return text.utf8.map { Int32($0) } }
    var ids: [Int32] = []
    var rest = Substring(text)
    while !rest.isEmpty {
      if let index = Self.special.firstIndex(where: { rest.hasPrefix($0) }) {
        ids.append(256 + Int32(index))
        rest = rest.dropFirst(Self.special[index].count)
      } else {
        ids += rest.removeFirst().utf8.map { Int32($0) }
      }
    }
    return ids
  }

  func decode(_ ids: [Int32]) -> String {
    var bytes: [UInt8] = []
    for id in ids {
      if id < 256 { bytes.append(UInt8(id)) } else { bytes += Self.special[Int(id) - 256].utf8 }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// ChatML, as SmolLM2 and Qwen2 have it.
struct ChatML: ChatEncoder {
  var fingerprint = "chatml"

  func pieces(of turns: [ChatTurn]) -> [PromptPiece] {
    turns.flatMap { turn in
      let isResponse = turn.role == .assistant
      return [
        PromptPiece("<|im_start|>\(turn.role.rawValue)\n", parseSpecial: true),
        PromptPiece(turn.text, isResponse: isResponse),
        PromptPiece("<|im_end|>", isResponse: isResponse, parseSpecial: true),
        PromptPiece("\n", parseSpecial: true),
      ]
    }
  }
}

extension TemporaryFolder {
  func builder(
    _ sources: DatasetSource..., settings: DatasetSettings = DatasetSettings(),
    tokenizer: ByteTokenizer = ByteTokenizer()
  ) -> DatasetBuilder {
    DatasetBuilder(
      sources: sources, tokenizer: tokenizer, chat: ChatML(), settings: settings,
      cacheDirectory: path + "/cache")
  }
}

extension TokenDataset {
  var sequences: [PackedSequence] { (0..<count).map { sequence(at: $0) } }

  /// The samples as (tokens, targets), whatever the packing.
  var segments: [Segment] {
    sequences.flatMap { sequence in
      sequence.segments.map {
        Segment(tokens: Array(sequence.tokens[$0]), targets: Array(sequence.targets[$0]))
      }
    }
  }
}

struct Segment: Hashable {
  var tokens: [Int32]
  var targets: [Int32]

  /// Text of the tokens that count in the loss.
  var supervisedText: String { ByteTokenizer().decode(targets.filter { $0 >= 0 }) }
  var text: String { ByteTokenizer().decode(tokens) }
}
