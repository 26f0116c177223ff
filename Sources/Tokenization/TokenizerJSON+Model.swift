internal import JSONText

extension TokenizerJSON {
  /// Vocabulary and merges of a BPE model.
  func bytePairDefinition(
    _ value: JSONValue, isByteLevel: Bool, decoder: Decoder
  ) throws(TokenizationError) -> TokenizerDefinition {
    try checkKind(of: value)
    guard let vocabulary = value["vocab"]?.members else {
      throw malformed("the model has no \"vocab\" object")
    }
    let byteFallback = value["byte_fallback"]?.bool ?? false
    var pieces = ByteTable(minimumCapacity: vocabulary.count)
    var entries: [(id: Int, bytes: [UInt8])] = []
    entries.reserveCapacity(vocabulary.count)
    var byteIDs = [Int32](repeating: -1, count: 256)
    for member in vocabulary {
      let id = try id(member.value, "the id of \"\(member.key)\"")
      let key = Array(member.key.utf8)
      if isByteLevel {
        let bytes = ByteLevelAlphabet.bytes(of: key)
        if let bytes { pieces.insert(bytes, value: id) }
        entries.append((Int(id), bytes ?? key))
      } else {
        pieces.insert(key, value: id)
        let byte = Self.fallbackByte(key)
        if byteFallback, let byte { byteIDs[Int(byte)] = id }
        entries.append((Int(id), decoder.bytes(of: key, fallbackByte: byte)))
      }
    }
    if isByteLevel {
      for byte in UInt8.min...UInt8.max { byteIDs[Int(byte)] = pieces.value(of: [byte]) ?? -1 }
    }
    var model = BytePairModel(
      alphabet: isByteLevel ? .bytes : .characters,
      vocabularySize: (entries.map(\.id).max() ?? -1) + 1, pieces: pieces, merges: MergeTable())
    model.byteIDs = byteIDs
    model.fusesUnknown = value["fuse_unk"]?.bool ?? false
    model.ignoresMerges = value["ignore_merges"]?.bool ?? false
    if let unknown = value["unk_token"]?.string {
      model.unknownID = vocabulary.first { $0.key.utf8.elementsEqual(unknown.utf8) }?.value.int
        .flatMap { Int32(exactly: $0) }
    }
    let crossing = try readMerges(value["merges"], isByteLevel: isByteLevel, into: &model)
    var definition = TokenizerDefinition(model: model, entries: entries)
    definition.unknownID = model.unknownID
    if !isByteLevel, !crossing, !model.ignoresMerges, model.pieces.value(of: Self.marker) != nil {
      definition.preTokenizer.steps = [.beforeMarker(Self.marker)]
    }
    return definition
  }

  /// SentencePiece's visible space, U+2581.
  static let marker = Array("\u{2581}".utf8)

  private func checkKind(of model: JSONValue) throws(TokenizationError) {
    let type = model["type"]?.string ?? (model["merges"] == nil ? "?" : "BPE")
    guard type == "BPE" else {
      throw unsupported("model type \"\(type)\"; only BPE models can be used")
    }
    for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
      if let text = model[key]?.string, !text.isEmpty {
        throw unsupported("\"\(key)\": \"\(text)\" in the BPE model")
      }
    }
    if let dropout = model["dropout"]?.double, dropout != 0 {
      throw unsupported("BPE dropout \(dropout): it makes encoding random; set it to null")
    }
  }

  /// Whether a merge joins a word and a following space marker.
  private func readMerges(
    _ value: JSONValue?, isByteLevel: Bool, into model: inout BytePairModel
  ) throws(TokenizationError) -> Bool {
    guard let list = value?.array else { throw malformed("the model has no \"merges\" list") }
    guard list.count < Int(Int32.max) else { throw malformed("too many merges") }
    model.merges = MergeTable(minimumCapacity: list.count)
    var crossing = false
    for (rank, entry) in list.enumerated() {
      guard let pair = Self.mergePair(entry) else {
        throw malformed("merge \(rank) is neither \"a b\" nor [\"a\", \"b\"]")
      }
      try model.addMerge(pair, rank: rank, isByteLevel: isByteLevel, source: source)
      crossing = crossing || Self.crossesWord(pair.left, pair.right)
    }
    return crossing
  }

  static func crossesWord(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    right.contains(marker, at: 0) && !left.contains(marker, at: left.count - marker.count)
  }

  private static func mergePair(_ entry: JSONValue) -> (left: [UInt8], right: [UInt8])? {
    if let line = entry.string { return mergePair(line: Array(line.utf8)) }
    guard let pair = entry.array, pair.count == 2, let left = pair[0].string,
      let right = pair[1].string, !left.isEmpty, !right.isEmpty
    else { return nil }
    return (Array(left.utf8), Array(right.utf8))
  }

  /// "a b", with exactly one space.
  static func mergePair(line: [UInt8]) -> (left: [UInt8], right: [UInt8])? {
    let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
    return (Array(parts[0]), Array(parts[1]))
  }

  /// The byte that a token of the form `<0x0A>` stands for.
  static func fallbackByte(_ token: [UInt8]) -> UInt8? {
    guard token.count == 6, token.contains(Array("<0x".utf8), at: 0), token[5] == 0x3E else {
      return nil
    }
    return UInt8(String(decoding: token[3..<5], as: UTF8.self), radix: 16)
  }
}

extension BytePairModel {
  /// Adds the merge of two pieces, which the vocabulary must hold, as well as their union.
  mutating func addMerge(
    _ pair: (left: [UInt8], right: [UInt8]), rank: Int, isByteLevel: Bool, source: String
  ) throws(TokenizationError) {
    let left = isByteLevel ? ByteLevelAlphabet.bytes(of: pair.left) : pair.left
    let right = isByteLevel ? ByteLevelAlphabet.bytes(of: pair.right) : pair.right
    guard let left, let right, let leftID = pieces.value(of: left),
      let rightID = pieces.value(of: right), let result = pieces.value(of: left + right)
    else {
      let text = [pair.left, pair.right].map { String(decoding: $0, as: UTF8.self) }
      throw .malformed(
        source: source,
        reason: "merge \(rank) (\"\(text[0])\" + \"\(text[1])\") names a token that is not in the "
          + "vocabulary; the file is damaged or incomplete")
    }
    merges.insert(leftID, rightID, MergeTable.Merge(rank: Int32(rank), result: result))
  }
}
