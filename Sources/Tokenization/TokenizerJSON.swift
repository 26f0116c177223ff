internal import JSONText

/// Reads the `tokenizer.json` of the `tokenizers` library (model type BPE).
///
/// Every part that decides ids is either understood or refused by name: a tokenizer that is almost
/// right would train a model on the wrong text without a sound.
struct TokenizerJSON {
  let source: String

  static func definition(
    parsing bytes: [UInt8], source: String
  ) throws(TokenizationError) -> TokenizerDefinition {
    let root: JSONValue
    do {
      root = try JSONValue(parsing: bytes)
    } catch {
      throw .malformed(source: source, reason: "not valid JSON: \(error)")
    }
    var definition = try TokenizerJSON(source: source).definition(root)
    definition.fingerprintParts = [bytes]
    return definition
  }

  private func definition(_ root: JSONValue) throws(TokenizationError) -> TokenizerDefinition {
    guard let model = root["model"], model.members != nil else {
      throw malformed("there is no \"model\" object; is this a tokenizer.json?")
    }
    let preTokenizer = try preTokenizer(root["pre_tokenizer"])
    let decoder = try decoder(root["decoder"])
    let normalizer = try normalizer(root["normalizer"])
    try checkGrowth(normalizer, preTokenizer.steps, decoder)
    let added = try addedTokens(root["added_tokens"])
    var definition = try bytePairDefinition(
      model, isByteLevel: preTokenizer.isByteLevel, decoder: decoder)
    definition.addedTokens = added
    definition.addedTexts = addedTexts(
      added, normalizer, preTokenizer.isByteLevel ? Decoder() : decoder)
    definition.normalizer = normalizer
    definition.preTokenizer.steps = preTokenizer.steps + definition.preTokenizer.steps
    definition.leadingSpaces = decoder.stripsLeadingSpace ? 1 : 0
    (definition.prefix, definition.suffix) = try template(root["post_processor"])
    return definition
  }

  func malformed(_ reason: String) -> TokenizationError {
    .malformed(source: source, reason: reason)
  }

  func unsupported(_ reason: String) -> TokenizationError {
    .unsupported(source: source, reason: reason)
  }

  func id(_ value: JSONValue?, _ what: String) throws(TokenizationError) -> Int32 {
    guard let int = value?.int, let id = Int32(exactly: int), id >= 0 else {
      throw malformed("\(what) is not a token id")
    }
    return id
  }

  private func addedTokens(_ value: JSONValue?) throws(TokenizationError) -> [AddedToken] {
    guard let value, !value.isNull else { return [] }
    guard let list = value.array else { throw malformed("\"added_tokens\" is not a list") }
    var tokens: [AddedToken] = []
    for entry in list {
      guard let content = entry["content"]?.string else {
        throw malformed("an added token has no \"content\"")
      }
      tokens.append(
        AddedToken(
          id: try id(entry["id"], "\"id\" of added token \"\(content)\""),
          content: Array(content.utf8), isSpecial: entry["special"]?.bool ?? false,
          stripsLeft: entry["lstrip"]?.bool ?? false, stripsRight: entry["rstrip"]?.bool ?? false,
          isSingleWord: entry["single_word"]?.bool ?? false,
          isNormalized: entry["normalized"]?.bool ?? false))
    }
    return tokens
  }

  /// What added tokens become in decoded text where that is not their content: they are pieces to
  /// the decoder, so that Gemma's run of U+2581 is a run of spaces, and those found in normalized
  /// text stand for normalized text. (The byte-level alphabet is not applied to them: a character
  /// like "é" in an added token is itself.)
  private func addedTexts(
    _ tokens: [AddedToken], _ normalizer: Normalizer, _ decoder: Decoder
  ) -> [Int32: [UInt8]] {
    var texts: [Int32: [UInt8]] = [:]
    for token in tokens {
      let piece =
        token.isNormalized ? normalizer(token.content, at: .startOfText) : token.content
      let text = decoder.bytes(of: piece, fallbackByte: Self.fallbackByte(piece))
      if text != token.content { texts[token.id] = text }
    }
    return texts
  }

  /// Ids before and after a single text.
  private func template(
    _ value: JSONValue?
  ) throws(TokenizationError) -> (prefix: [Int32], suffix: [Int32]) {
    guard let value, !value.isNull else { return ([], []) }
    switch value["type"]?.string {
    case "ByteLevel": return ([], [])
    case "Sequence":
      var (prefix, suffix): ([Int32], [Int32]) = ([], [])
      let steps = value["processors"]?.array ?? []
      guard steps.count <= TextGrowth.mostSteps else {
        throw unsupported("more than \(TextGrowth.mostSteps) steps in the post_processor")
      }
      for step in steps {
        let inner = try template(step)
        prefix = inner.prefix + prefix
        suffix += inner.suffix
      }
      return (prefix, suffix)
    case "TemplateProcessing": return try templateProcessing(value)
    default:
      throw unsupported(
        "post_processor \"\(value["type"]?.string ?? "?")\" (known: TemplateProcessing, ByteLevel, "
          + "Sequence)")
    }
  }

  /// Ids around a text; real files have one or two.
  private static let mostTemplateIDs = 64

  private func templateProcessing(
    _ value: JSONValue
  ) throws(TokenizationError) -> (prefix: [Int32], suffix: [Int32]) {
    var parts: [[Int32]] = [[]]
    let template = value["single"]?.array ?? []
    for entry in template.prefix(Self.mostTemplateIDs + 2) {
      if entry["Sequence"] != nil {
        parts.append([])
        continue
      }
      guard let name = entry["SpecialToken"]?["id"]?.string,
        let ids = value["special_tokens"]?[name]?["ids"]?.array
      else { throw malformed("the template of the post_processor names an unknown token") }
      for id in ids.prefix(Self.mostTemplateIDs + 1) {
        parts[parts.count - 1].append(try self.id(id, "an id of special token \"\(name)\""))
      }
    }
    guard parts.joined().count <= Self.mostTemplateIDs, template.count <= Self.mostTemplateIDs
    else {
      throw unsupported("more than \(Self.mostTemplateIDs) tokens around a text")
    }
    guard parts.count == 2 else {
      throw malformed("the template of the post_processor does not contain the text exactly once")
    }
    return (parts[0], parts[1])
  }
}
