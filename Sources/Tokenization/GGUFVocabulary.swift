/// The tokenizer metadata of a GGUF file (`tokenizer.ggml.*`).
package struct GGUFVocabulary: Sendable {
  /// `gpt2` (byte-level BPE) or `llama` (SentencePiece BPE).
  package var model: String
  /// Name of the pre-tokenizer pattern.
  package var pre: String
  package var tokens: [[UInt8]]
  package var scores: [Float]
  /// 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte.
  package var tokenTypes: [Int]
  /// "a b".
  package var merges: [[UInt8]]
  package var bosID: Int?
  package var eosID: Int?
  package var unknownID: Int?
  package var paddingID: Int?
  /// End of turn and end of message, where the file has them.
  package var endOfTurnIDs: [Int]
  package var addBOS: Bool?
  package var addEOS: Bool?
  package var addSpacePrefix: Bool?
  package var chatTemplate: String?

  package init(
    model: String, pre: String = "default", tokens: [[UInt8]], scores: [Float] = [],
    tokenTypes: [Int] = [], merges: [[UInt8]] = [], bosID: Int? = nil, eosID: Int? = nil,
    unknownID: Int? = nil, paddingID: Int? = nil, endOfTurnIDs: [Int] = [], addBOS: Bool? = nil,
    addEOS: Bool? = nil, addSpacePrefix: Bool? = nil, chatTemplate: String? = nil
  ) {
    self.model = model
    self.pre = pre
    self.tokens = tokens
    self.scores = scores
    self.tokenTypes = tokenTypes
    self.merges = merges
    self.bosID = bosID
    self.eosID = eosID
    self.unknownID = unknownID
    self.paddingID = paddingID
    self.endOfTurnIDs = endOfTurnIDs
    self.addBOS = addBOS
    self.addEOS = addEOS
    self.addSpacePrefix = addSpacePrefix
    self.chatTemplate = chatTemplate
  }
}

extension GGUFVocabulary {
  /// What a pre-tokenizer name of llama.cpp stands for; nil for names that are not known.
  ///
  /// Files from before the name existed say `default` or nothing; they are read as GPT-2.
  private func preTokenizer() -> (steps: [PreTokenizer.Step], normalizer: Normalizer)? {
    switch pre {
    case "gpt-2", "gpt2", "default", "", "olmo", "jais", "mpt", "phi-2", "roberta-bpe", "exaone4":
      ([.pattern(.gpt2)], Normalizer())
    case "smollm", "starcoder", "refact", "command-r", "codeshell":
      ([.digits(individual: true), .pattern(.gpt2)], Normalizer())
    case "llama-bpe", "llama3", "llama-v3", "falcon3", "pixtral", "dbrx", "smaug-bpe":
      ([.pattern(.cl100k(digits: 3))], Normalizer())
    // The tokenizer of the model composes characters (NFC) first, though the file does not say so.
    case "qwen2", "deepseek-r1-qwen", "megrez":
      ([.pattern(.cl100k(digits: 1))], Normalizer(steps: [.unicode(.composed)]))
    default: nil
    }
  }

  private var isLlama3: Bool {
    ["llama-bpe", "llama3", "llama-v3", "falcon3", "pixtral"].contains(pre)
  }

  func definition(source: String) throws(TokenizationError) -> TokenizerDefinition {
    guard !tokens.isEmpty else {
      throw .malformed(source: source, reason: "the tokenizer metadata holds no tokens")
    }
    guard tokenTypes.isEmpty || tokenTypes.count == tokens.count else {
      throw .malformed(
        source: source,
        reason: "\(tokenTypes.count) token types for \(tokens.count) tokens; the file is damaged")
    }
    var definition: TokenizerDefinition
    switch model {
    case "gpt2": definition = try byteLevelDefinition(source)
    case "llama": definition = try sentencePieceDefinition(source)
    default:
      throw .unsupported(
        source: source, reason: "tokenizer model \"\(model)\" (known: gpt2, llama)")
    }
    definition.bosID = bosID.flatMap { Int32(exactly: $0) }
    definition.eosID = eosID.flatMap { Int32(exactly: $0) }
    definition.unknownID = unknownID.flatMap { Int32(exactly: $0) } ?? definition.unknownID
    definition.paddingID = paddingID.flatMap { Int32(exactly: $0) }
    definition.stopIDs = endOfTurnIDs.compactMap { Int32(exactly: $0) }
    if addBOS ?? (model == "llama" || isLlama3) {
      definition.prefix = [definition.bosID].compactMap(\.self)
    }
    if addEOS ?? false { definition.suffix = [definition.eosID].compactMap(\.self) }
    definition.chatTemplateSource = chatTemplate
    definition.fingerprintParts = fingerprintParts()
    return definition
  }

  private func byteLevelDefinition(
    _ source: String
  ) throws(TokenizationError) -> TokenizerDefinition {
    guard let (steps, normalizer) = preTokenizer() else {
      throw .unsupported(
        source: source,
        reason: "pre-tokenizer \"\(pre)\" (known: gpt-2, smollm, llama-bpe, qwen2 and their kin)")
    }
    var pieces = ByteTable(minimumCapacity: tokens.count)
    var entries: [(id: Int, bytes: [UInt8])] = []
    var added: [AddedToken] = []
    for (id, token) in tokens.enumerated() {
      let type = tokenTypes.isEmpty ? 1 : tokenTypes[id]
      let bytes = ByteLevelAlphabet.bytes(of: token)
      if let bytes { pieces.insert(bytes, value: Int32(id)) }
      entries.append((id, bytes ?? token))
      if type != 1, type != 5, type != 6 {
        added.append(AddedToken(id: Int32(id), content: token, isSpecial: type != 4))
      }
    }
    var model = BytePairModel(
      alphabet: .bytes, vocabularySize: tokens.count, pieces: pieces,
      merges: MergeTable(minimumCapacity: merges.count))
    for byte in UInt8.min...UInt8.max {
      model.byteIDs[Int(byte)] = pieces.value(of: [byte]) ?? -1
    }
    model.ignoresMerges = isLlama3
    for (rank, line) in merges.enumerated() {
      guard let pair = TokenizerJSON.mergePair(line: line) else {
        throw .malformed(source: source, reason: "merge \(rank) is not of the form \"a b\"")
      }
      try model.addMerge(pair, rank: rank, isByteLevel: true, source: source)
    }
    var definition = TokenizerDefinition(model: model, entries: entries)
    definition.addedTokens = added
    definition.normalizer = normalizer
    definition.preTokenizer.steps = addSpacePrefix == true ? [.prefixSpace] + steps : steps
    return definition
  }

  private func sentencePieceDefinition(
    _ source: String
  ) throws(TokenizationError) -> TokenizerDefinition {
    guard scores.count == tokens.count, tokenTypes.count == tokens.count else {
      throw .malformed(
        source: source,
        reason: "\(scores.count) scores and \(tokenTypes.count) types for \(tokens.count) tokens")
    }
    var vocabulary = SentencePieceVocabulary(pieces: [])
    for id in tokens.indices {
      guard let kind = SentencePieceVocabulary.Kind(rawValue: tokenTypes[id]) else {
        throw .malformed(
          source: source, reason: "token \(id) has the unknown type \(tokenTypes[id])")
      }
      vocabulary.pieces.append(.init(text: tokens[id], score: scores[id], kind: kind))
    }
    vocabulary.unknownID = unknownID.flatMap { Int32(exactly: $0) }
    vocabulary.addsDummyPrefix = addSpacePrefix ?? true
    return try vocabulary.definition(source: source)
  }

  /// Everything that decides ids, as bytes.
  private func fingerprintParts() -> [[UInt8]] {
    var parts = [Array("\(model) \(pre) \(String(describing: addSpacePrefix))".utf8)]
    parts.append(Array("\(addBOS ?? false) \(addEOS ?? false) \(bosID ?? -1) \(eosID ?? -1)".utf8))
    parts.append(tokens.flatMap { $0 + [0] })
    parts.append(merges.flatMap { $0 + [0] })
    parts.append(tokenTypes.map { UInt8(truncatingIfNeeded: $0) })
    parts.append(
      scores.flatMap { score in
        (0..<4).map { UInt8(truncatingIfNeeded: score.bitPattern >> ($0 * 8)) }
      })
    return parts
  }
}
