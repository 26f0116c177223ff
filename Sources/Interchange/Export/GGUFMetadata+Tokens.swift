internal import DecoderModel
internal import Foundation
internal import JSONText
internal import Tokenization

/// Makes the tokens of a GGUF file: as many as the embedding has rows.
struct GGUFTokens {
  typealias Kind = SentencePieceVocabulary.Kind

  private(set) var vocabulary: GGUFVocabulary
  private(set) var notes: [String] = []
  private let rows: Int
  private let path: String

  /// llama.cpp's conversion gives it to added tokens; nothing merges into them.
  private static let addedScore: Float = -1000
  /// The same for rows without a token.
  private static let unusedScore: Float = -10_000

  /// `fast` is `tokenizer.json`, which counts where both are there; `pieces` are the scores then.
  init(
    fast: TokenizerFile?, pieces: SentencePieceFile?, tokenizer: Tokenizer, rows: Int, path: String
  ) throws {
    self.rows = rows
    self.path = path
    vocabulary = GGUFVocabulary(model: "llama", tokens: [])
    let isByteLevel = fast?.preTokenizers.last?["type"]?.string == "ByteLevel"
    if let fast, isByteLevel {
      vocabulary.model = "gpt2"
      vocabulary.pre = try GGUFPreTokenizer(fast).rawValue
      vocabulary.merges = fast.merges.map(Self.mergeLine)
      if !fast.normalizers.isEmpty { notes.append(Self.compositionNote) }
    }
    vocabulary.tokens = (0..<rows).map { Array("[PAD\($0)]".utf8) }
    vocabulary.tokenTypes = [Int](repeating: Kind.unused.rawValue, count: rows)
    if !isByteLevel { vocabulary.scores = [Float](repeating: Self.unusedScore, count: rows) }
    let spaces = isByteLevel ? nil : try fast.map { try GGUFSpaces($0) }
    if let pieces, fast.map({ agrees($0, pieces) }) ?? true {
      try setPieces(pieces)
    } else if let fast {
      try setTokens(of: fast)
    }
    if !isByteLevel { try requireBytes() }
    if let spaces {
      vocabulary.addSpacePrefix = spaces.addsPrefix
      if spaces.prefixesOnce { notes.append(Self.prefixNote) }
    } else if let pieces, !isByteLevel {
      vocabulary.addSpacePrefix = pieces.addsDummyPrefix
      if pieces.removesExtraSpaces { notes.append(Self.spacesNote) }
    }
    setAdded(fast, pieces, tokenizer)
  }

  private static let compositionNote =
    "This tokenizer composes characters first (NFC); llama.cpp does not, so decomposed ones get "
    + "other tokens."
  private static let prefixNote =
    "This tokenizer puts a space in front of a text that has none; llama.cpp in front of every "
    + "text, and after special tokens within it."
  private static let spacesNote =
    "This tokenizer makes one space of several; llama.cpp keeps them."

  private static func mergeLine(_ pair: (left: String, right: String)) -> [UInt8] {
    // A space stands between the parts, so those within are spelled as in the byte-level alphabet.
    let parts = [pair.left, pair.right].map { replacing(" ", with: "\u{120}", in: $0) }
    return Array("\(parts[0]) \(parts[1])".utf8)
  }

  /// By scalars: a mark behind one makes another character of it.
  private static func replacing(
    _ scalar: Unicode.Scalar, with other: Unicode.Scalar, in text: String
  ) -> String {
    var scalars = String.UnicodeScalarView()
    scalars.append(contentsOf: text.unicodeScalars.map { $0 == scalar ? other : $0 })
    return String(scalars)
  }

  private mutating func set(_ id: Int, _ text: [UInt8], _ kind: Kind, score: Float) throws {
    guard id >= 0, id < rows else {
      throw ModelFileError.unsupported(
        path: path,
        detail: "token \(id) \"\(String(decoding: text, as: UTF8.self))\" has no row in the "
          + "embedding of \(rows). The tokenizer is another model's.")
    }
    vocabulary.tokens[id] = text
    vocabulary.tokenTypes[id] = kind.rawValue
    if !vocabulary.scores.isEmpty { vocabulary.scores[id] = score }
  }

  private mutating func setPieces(_ file: SentencePieceFile) throws {
    for (id, piece) in file.pieces.enumerated() {
      try set(id, piece.text, piece.kind, score: piece.score)
    }
  }

  /// llama.cpp has no unknown token to fall back on: characters without a token become bytes. (An
  /// ASCII character that is a token itself needs none; Gemma's tab is one.)
  private func requireBytes() throws {
    var lacking = Set(UInt8.min...UInt8.max)
    for (token, kind) in zip(vocabulary.tokens, vocabulary.tokenTypes) {
      if kind == Kind.byte.rawValue, let byte = Self.byte(token) { lacking.remove(byte) }
      if kind == Kind.normal.rawValue, token.count == 1 { lacking.remove(token[0]) }
    }
    guard let first = lacking.min() else { return }
    throw ModelFileError.unsupported(
      path: path,
      detail:
        "the tokenizer has no token for the byte \(first) (<0x00> to <0xFF>), which llama.cpp "
        + "needs. Export the model as gptq or compressed-tensors.")
  }

  /// Whether both files have the same pieces in the same order.
  private func agrees(_ fast: TokenizerFile, _ file: SentencePieceFile) -> Bool {
    var ids: [[UInt8]: Int] = [:]
    for (text, id) in fast.tokens { ids[Array(text.utf8)] = id }
    for token in fast.added { ids[Array(token.text.utf8)] = token.id }
    let added = Set(fast.added.map(\.id))
    return file.pieces.enumerated().allSatisfy { id, piece in
      ids[piece.text] == id || added.contains(id) || piece.kind == .unused
    }
  }

  private mutating func setTokens(of fast: TokenizerFile) throws {
    let isByteLevel = vocabulary.scores.isEmpty
    let scores = isByteLevel ? [:] : try GGUFScores(fast).scores
    for (text, id) in fast.tokens {
      var kind = Kind.normal
      if !isByteLevel {
        if text.utf8.elementsEqual((fast.unknown ?? "").utf8) { kind = .unknown }
        if Self.byte(Array(text.utf8)) != nil { kind = .byte }
      }
      let bytes = Array(text.utf8)
      try set(id, bytes, kind, score: scores[bytes] ?? Self.addedScore)
    }
  }

  /// The byte that `<0x0A>` stands for.
  static func byte(_ token: [UInt8]) -> UInt8? {
    guard token.count == 6, token.starts(with: "<0x".utf8), token[5] == UInt8(ascii: ">") else {
      return nil
    }
    return UInt8(String(decoding: token[3..<5], as: UTF8.self), radix: 16)
  }

  /// Tokens that are looked for in the text itself.
  private mutating func setAdded(
    _ fast: TokenizerFile?, _ pieces: SentencePieceFile?, _ tokenizer: Tokenizer
  ) {
    let count = pieces?.pieces.count ?? 0
    let added =
      fast?.added
      ?? (0..<tokenizer.vocabularySize).compactMap { id -> TokenizerFile.Added? in
        let isSpecial = tokenizer.isSpecial(Int32(id))
        guard isSpecial || id >= count, let text = tokenizer.text(of: Int32(id)) else { return nil }
        return TokenizerFile.Added(id: id, text: text, isSpecial: isSpecial, hasContext: false)
      }
    var (dropped, bound): ([String], [String]) = ([], [])
    for token in added where !token.text.isEmpty {
      guard token.id < rows else {
        dropped.append(token.text)
        continue
      }
      if token.hasContext { bound.append(token.text) }
      setAdded(token)
    }
    note(dropped, "have no row in the embedding and are left out")
    note(bound, "count only with or without spaces or words beside them, which GGUF cannot say")
  }

  private mutating func setAdded(_ token: TokenizerFile.Added) {
    let isKept = vocabulary.tokenTypes[token.id] == Kind.unknown.rawValue
    let isControl = token.isSpecial || Self.looksSpecial(token.text)
    let kind = isKept ? Kind.unknown : isControl ? .control : .userDefined
    // Readers look for user-defined tokens in the text itself, where spaces are spaces.
    let text =
      isControl ? token.text : Self.replacing("\u{2581}", with: " ", in: token.text)
    vocabulary.tokens[token.id] = Array(text.utf8)
    vocabulary.tokenTypes[token.id] = kind.rawValue
    if !vocabulary.scores.isEmpty { vocabulary.scores[token.id] = Self.addedScore }
  }

  private mutating func note(_ tokens: [String], _ words: String) {
    guard let first = tokens.first else { return }
    let more = tokens.count > 1 ? " and \(tokens.count - 1) more tokens" : ""
    notes.append("\"\(first)\"\(more): \(words).")
  }

  /// Some models do not call tokens special that are; llama.cpp's conversion goes by their form.
  private static func looksSpecial(_ text: String) -> Bool {
    let forms = [("<|", "|>"), ("<\u{FF5C}", "\u{FF5C}>"), ("<unused", ">")]
    return ["<pad>", "<mask>", "<2mass>", "[@BOS@]"].contains(text)
      || forms.contains { start, end in
        text.utf8.starts(with: start.utf8) && text.utf8.reversed().starts(with: end.utf8.reversed())
      }
  }
}

extension GGUFTokens {
  /// Tokens that end a turn of a chat, most likely first.
  private static let turnEnds = ["<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>", "<|eot|>"]
  /// Tokens that llama.cpp knows by their text to end a generation, and with it other turn ends.
  private static let knownEnds =
    turnEnds.dropLast() + ["<|eom_id|>", "<|end_of_text|>", "<|endoftext|>", "</s>", "<eos>"]

  /// Special ids, what is put around a text, and the template of chats. `json` is `config.json`,
  /// which has ids where the tokenizer's files have none (Qwen's BOS).
  mutating func setSpecials(of tokenizer: Tokenizer, json: JSONValue) throws {
    func id(_ own: Int32?, _ key: String) -> Int? {
      let id = own.map { Int($0) } ?? json[key]?.int
      return id.flatMap { vocabulary.tokens.indices.contains($0) ? $0 : nil }
    }
    vocabulary.bosID = id(tokenizer.bosID ?? tokenizer.prefix.first, "bos_token_id")
    vocabulary.eosID = id(tokenizer.eosID ?? tokenizer.suffix.last, "eos_token_id")
    vocabulary.unknownID = id(tokenizer.unknownID, "unk_token_id")
    vocabulary.paddingID = id(tokenizer.paddingID, "pad_token_id")
    vocabulary.addBOS = try isAdded(tokenizer.prefix, vocabulary.bosID, "before")
    vocabulary.addEOS = try isAdded(tokenizer.suffix, vocabulary.eosID, "after")
    vocabulary.chatTemplate = tokenizer.chatTemplateSource
    setEnds(tokenizer.stopIDs.map { Int($0) })
  }

  private func isAdded(_ ids: [Int32], _ id: Int?, _ place: String) throws -> Bool {
    if ids.isEmpty { return false }
    if ids.map({ Int($0) }) == [id] { return true }
    throw ModelFileError.unsupported(
      path: path,
      detail:
        "the tokenizer puts the tokens \(ids) \(place) a text; GGUF knows one BOS and one EOS.")
  }

  /// GGUF has room for two ids beside EOS: the end of a turn, and of a message.
  private mutating func setEnds(_ stops: [Int]) {
    let tokens = vocabulary.tokens
    func text(_ id: Int) -> String { String(decoding: tokens[id], as: UTF8.self) }
    let others = stops.filter { $0 != vocabulary.eosID && tokens.indices.contains($0) }
    let turns = Self.turnEnds.compactMap { end in others.first { text($0) == end } }
    let unknown = others.filter { !turns.contains($0) && !Self.knownEnds.contains(text($0)) }
    let ends = turns.prefix(1) + unknown
    vocabulary.endOfTurnIDs = Array(ends.prefix(2))
    note(ends.dropFirst(2).map { text($0) }, "end a generation too, which GGUF has no room for")
  }
}
