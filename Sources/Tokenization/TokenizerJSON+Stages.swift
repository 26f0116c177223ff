internal import JSONText

extension TokenizerJSON {
  private static let byteLevelSteps = "Sequence, ByteLevel, Split, Digits, Metaspace"

  /// The steps before the model, and whether one of them is the byte-level alphabet.
  func preTokenizer(
    _ value: JSONValue?
  ) throws(TokenizationError) -> (steps: [PreTokenizer.Step], isByteLevel: Bool) {
    guard let value, !value.isNull else { return ([], false) }
    switch value["type"]?.string {
    case "Sequence":
      var (steps, isByteLevel): ([PreTokenizer.Step], Bool) = ([], false)
      for entry in value["pretokenizers"]?.array ?? [] {
        if isByteLevel { throw unsupported("a pre_tokenizer after ByteLevel") }
        let inner = try preTokenizer(entry)
        steps += inner.steps
        isByteLevel = inner.isByteLevel
      }
      return (steps, isByteLevel)
    case "ByteLevel":
      var steps: [PreTokenizer.Step] = []
      if value["add_prefix_space"]?.bool ?? true { steps.append(.prefixSpace) }
      if value["use_regex"]?.bool ?? true { steps.append(.pattern(.gpt2)) }
      return (steps, true)
    case "Digits":
      return ([.digits(individual: value["individual_digits"]?.bool ?? false)], false)
    case "Split": return ([try split(value)], false)
    case "Metaspace": return ([try metaspace(value)], false)
    case let type:
      throw unsupported("pre_tokenizer \"\(type ?? "?")\" (known: \(Self.byteLevelSteps))")
    }
  }

  private func split(_ value: JSONValue) throws(TokenizationError) -> PreTokenizer.Step {
    let name = value["behavior"]?.string ?? "?"
    guard let behavior = PreTokenizer.SplitBehavior(rawValue: name) else {
      throw unsupported("Split behavior \"\(name)\"")
    }
    let inverted = value["invert"]?.bool ?? false
    if let literal = value["pattern"]?["String"]?.string {
      guard !inverted else { throw unsupported("an inverted Split at a fixed text") }
      return .literal(try stepText(literal), behavior)
    }
    guard let regex = value["pattern"]?["Regex"]?.string else {
      throw malformed("a Split pre_tokenizer has no pattern")
    }
    guard let pattern = SplitPattern(regex: regex) else {
      throw unsupported(
        "the pre_tokenizer pattern \(regex) (known: GPT-2, cl100k (LLaMA-3, Qwen2), o200k, tekken)")
    }
    // The known patterns leave no gaps: to isolate matches and to remove gaps is the same.
    guard behavior == .isolated || (behavior == .removed && inverted) else {
      throw unsupported("Split behavior \"\(name)\" with the pattern \(regex)")
    }
    return .pattern(pattern)
  }

  private func metaspace(_ value: JSONValue) throws(TokenizationError) -> PreTokenizer.Step {
    let old = value["add_prefix_space"]?.bool.map { $0 ? "always" : "never" }
    let name = value["prepend_scheme"]?.string ?? old ?? "always"
    guard let prefix = PreTokenizer.Prefix(rawValue: name) else {
      throw unsupported("prepend_scheme \"\(name)\" (known: always, first, never)")
    }
    let marker = value["replacement"]?.string ?? "\u{2581}"
    guard !marker.isEmpty else { throw malformed("the Metaspace replacement is empty") }
    return .metaspace(
      marker: try stepText(marker), prefix: prefix, splits: value["split"]?.bool ?? true)
  }

  func normalizer(_ value: JSONValue?) throws(TokenizationError) -> Normalizer {
    guard let value, !value.isNull else { return Normalizer() }
    let type = value["type"]?.string ?? "?"
    if let form = Normalizer.UnicodeForm(rawValue: type) {
      return Normalizer(steps: [.unicode(form)])
    }
    switch type {
    case "Sequence":
      var steps: [Normalizer.Step] = []
      for entry in value["normalizers"]?.array ?? [] { steps += try normalizer(entry).steps }
      return Normalizer(steps: steps)
    case "Prepend":
      let text = value["prepend"]?.string ?? ""
      return Normalizer(steps: [.prepend(try stepText(text), onlyAtStart: false)])
    case "Replace":
      let (pattern, content) = try replacement(value)
      return Normalizer(steps: [.replace(pattern, with: content)])
    default:
      throw unsupported(
        "normalizer \"\(type)\" (known: Sequence, NFC, NFD, NFKC, NFKD, Prepend, Replace)")
    }
  }

  private func replacement(
    _ value: JSONValue
  ) throws(TokenizationError) -> (pattern: [UInt8], content: [UInt8]) {
    guard let pattern = value["pattern"]?["String"]?.string, !pattern.isEmpty,
      let content = value["content"]?.string
    else { throw unsupported("a Replace step whose pattern is not a fixed text") }
    return (try stepText(pattern), try stepText(content))
  }

  /// How pieces become text again.
  struct Decoder {
    var replacements: [(pattern: [UInt8], content: [UInt8])] = []
    var usesByteFallback = false
    var stripsLeadingSpace = false

    func bytes(of piece: [UInt8], fallbackByte: UInt8?) -> [UInt8] {
      if usesByteFallback, let fallbackByte { return [fallbackByte] }
      return replacements.reduce(piece) { $0.replacing(bytes: $1.pattern, with: $1.content) }
    }
  }

  func decoder(_ value: JSONValue?) throws(TokenizationError) -> Decoder {
    var decoder = Decoder()
    guard let value, !value.isNull else { return decoder }
    switch value["type"]?.string {
    case "ByteLevel", "Fuse": break
    case "ByteFallback": decoder.usesByteFallback = true
    case "Replace": decoder.replacements = [try replacement(value)]
    case "Strip":
      guard value["content"]?.string == " ", value["stop"]?.int ?? 0 == 0,
        let start = value["start"]?.int, start <= 1
      else { throw unsupported("a Strip decoder other than one leading space") }
      decoder.stripsLeadingSpace = start == 1
    case "Metaspace":
      guard case .metaspace(let marker, let prefix, _) = try metaspace(value) else { break }
      decoder.replacements = [(marker, [0x20])]
      decoder.stripsLeadingSpace = prefix != .never
    case "Sequence":
      for entry in value["decoders"]?.array ?? [] {
        let inner = try self.decoder(entry)
        decoder.replacements += inner.replacements
        decoder.usesByteFallback = decoder.usesByteFallback || inner.usesByteFallback
        decoder.stripsLeadingSpace = decoder.stripsLeadingSpace || inner.stripsLeadingSpace
      }
    case let type:
      throw unsupported(
        "decoder \"\(type ?? "?")\" (known: Sequence, ByteLevel, ByteFallback, Fuse, Replace, Strip, "
          + "Metaspace)")
    }
    return decoder
  }
}
