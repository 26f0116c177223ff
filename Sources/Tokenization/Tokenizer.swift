/// Text to ids and back, exactly as the model's own tokenizer does it.
///
/// A value: immutable after loading and safe to use from any number of threads at once.
package struct Tokenizer: Sendable {
  let vocabulary: Vocabulary
  let model: BytePairModel
  let normalizer: Normalizer
  let preTokenizer: PreTokenizer
  /// Added tokens that are looked for before and after normalization.
  let rawTokens: AddedTokenMatcher
  let normalizedTokens: AddedTokenMatcher
  /// Added tokens, by id.
  let addedTokens: [Int32: AddedToken]
  /// Ids put around a text on request.
  package let prefix: [Int32]
  package let suffix: [Int32]
  /// So many spaces in front are not part of a decoded text (SentencePiece's dummy prefix).
  let leadingSpaces: Int

  package let bosID: Int32?
  package let eosID: Int32?
  package let unknownID: Int32?
  package let paddingID: Int32?
  /// Ids that end a generation: end of text, end of turn; sorted.
  package let stopIDs: [Int32]
  /// Jinja source of the model's chat template.
  package let chatTemplateSource: String?
  /// SHA-256 (hex) of everything that decides the ids of a text; the key for caches.
  package let fingerprint: String

  /// The number of ids, holes included: every id is less.
  package var vocabularySize: Int { vocabulary.count }

  /// Whether a text gets a BOS token by default.
  package var addsBOS: Bool { bosID.map(prefix.contains) ?? false }
  /// Whether a text gets an EOS token by default.
  package var addsEOS: Bool { eosID.map(suffix.contains) ?? false }

  /// The id of an added or special token such as `<|im_end|>`, by its exact text.
  package func specialID(_ text: String) -> Int32? {
    let content = Array(text.utf8)
    return addedTokens.values.filter { $0.content == content }.map(\.id).min()
  }

  /// Whether `id` is a special token (left out by `decode(_:skipSpecial:)`).
  package func isSpecial(_ id: Int32) -> Bool { addedTokens[id]?.isSpecial ?? false }

  /// The bytes an id stands for inside a text; empty for ids out of range. Not always valid UTF-8.
  package func bytes(of id: Int32) -> [UInt8] { Array(vocabulary[id]) }

  /// The text of a token such as BOS, as chat templates print it; nil where there is none.
  package func text(of id: Int32?) -> String? {
    id.map { id in
      String(decoding: addedTokens[id]?.content ?? bytes(of: id), as: UTF8.self)
    }
  }
}
