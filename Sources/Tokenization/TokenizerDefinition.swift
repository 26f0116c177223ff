internal import Checkpoints

/// What a file says about a tokenizer, before it is checked and indexed.
struct TokenizerDefinition {
  var model: BytePairModel
  /// Bytes in decoded text, by id; added tokens not included.
  var entries: [(id: Int, bytes: [UInt8])]
  var normalizer = Normalizer()
  var preTokenizer = PreTokenizer()
  var addedTokens: [AddedToken] = []
  /// Bytes in decoded text, by id, of added tokens that do not stand for their content.
  var addedTexts: [Int32: [UInt8]] = [:]
  var prefix: [Int32] = []
  var suffix: [Int32] = []
  /// So many spaces in front are not part of a decoded text.
  var leadingSpaces = 0
  var bosID: Int32?
  var eosID: Int32?
  var unknownID: Int32?
  var paddingID: Int32?
  /// Ids that end a generation besides EOS and the tokens known by name.
  var stopIDs: [Int32] = []
  var chatTemplateSource: String?
  /// Contents of the files read, in a fixed order.
  var fingerprintParts: [[UInt8]] = []

  /// Tokens that end a turn or a text in the common model families.
  static let stopTexts = [
    "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|endoftext|>", "<|end|>",
    "<end_of_turn>", "<|eot|>", "</s>",
  ]

  /// Checks the ids against each other and builds the indices.
  func tokenizer(source: String) throws(TokenizationError) -> Tokenizer {
    let added = addedTokens.filter { !$0.content.isEmpty }
    var byID: [Int32: AddedToken] = [:]
    for token in added { byID[token.id] = token }
    let known = entries.filter { byID[Int32(clamping: $0.id)] == nil }
    let special = byID.values.map { (id: Int($0.id), bytes: addedTexts[$0.id] ?? $0.content) }
    guard let vocabulary = Vocabulary(known + special) else {
      throw .malformed(
        source: source,
        reason: "token ids are negative or far beyond the number of tokens; the file is damaged")
    }
    for id in prefix + suffix + [bosID, eosID, unknownID].compactMap(\.self)
    where id < 0 || id >= vocabulary.count {
      throw .malformed(
        source: source,
        reason: "special token id \(id) is outside the vocabulary of \(vocabulary.count) tokens")
    }
    let stopTexts = Self.stopTexts.map { Array($0.utf8) }
    let named = byID.values.filter { stopTexts.contains($0.content) }.map(\.id)
    let stops = Set(stopIDs + named + [eosID].compactMap(\.self))
    return Tokenizer(
      vocabulary: vocabulary, model: model, normalizer: normalizer, preTokenizer: preTokenizer,
      rawTokens: AddedTokenMatcher(added.filter { !$0.isNormalized }),
      normalizedTokens: AddedTokenMatcher(normalizedTokens(added)), addedTokens: byID,
      prefix: prefix, suffix: suffix, leadingSpaces: leadingSpaces, bosID: bosID,
      eosID: eosID, unknownID: unknownID, paddingID: paddingID,
      stopIDs: stops.filter { $0 >= 0 && $0 < vocabulary.count }.sorted(),
      chatTemplateSource: chatTemplateSource, fingerprint: Self.fingerprint(of: fingerprintParts))
  }

  /// Tokens that are looked for in normalized text are normalized themselves.
  private func normalizedTokens(_ added: [AddedToken]) -> [AddedToken] {
    added.filter(\.isNormalized).map { token in
      var token = token
      token.content = normalizer(token.content, at: .startOfText)
      return token
    }
  }

  /// Each part with its length, so that no two lists of parts read the same.
  private static func fingerprint(of parts: [[UInt8]]) -> String {
    SHA256.hexDigest(of: parts.flatMap { Array("\($0.count):".utf8) + $0 })
  }
}
