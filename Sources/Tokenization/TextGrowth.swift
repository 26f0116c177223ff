/// How long a text can become: at most `factor` times its bytes, and `constant` more.
///
/// The steps of a `tokenizer.json` are instructions from a stranger: thirty times "replace a by ten
/// a" would take any memory. The bound is known before a text is seen, so such a file is refused
/// when it is loaded.
struct TextGrowth {
  private(set) var factor = 1.0
  private(set) var constant = 0.0

  /// Real files have a factor of at most 6: a space becomes three bytes, and each word gets three.
  static let largestFactor = 64.0
  static let largestConstant = 1024.0

  /// Steps of one kind; real files have up to four.
  static let mostSteps = 16
  /// Bytes of a text to look for or to insert: comparing takes that many times the text.
  static let longestText = 256

  var isBounded: Bool { factor <= Self.largestFactor && constant <= Self.largestConstant }

  mutating func replace(_ old: [UInt8], with new: [UInt8]) {
    let growth = max(1, Double(new.count) / Double(max(old.count, 1)))
    factor *= growth
    constant *= growth
  }

  mutating func add(_ normalizer: Normalizer) {
    for step in normalizer.steps {
      switch step {
      // Composing and decomposing twice is no more than once: not counted.
      case .unicode, .collapseSpaces: break
      case .prepend(let prefix, _): constant += Double(prefix.count)
      case .replace(let old, let new): replace(old, with: new)
      }
    }
  }

  mutating func add(_ steps: [PreTokenizer.Step]) {
    for step in steps {
      switch step {
      case .prefixSpace: factor += 1
      // Every byte may be a space, and a word for itself that gets a marker in front.
      case .metaspace(let marker, _, _): factor *= 2 * Double(marker.count)
      case .pattern, .digits, .literal, .beforeMarker: break
      }
    }
  }
}

extension TokenizerJSON {
  /// Refuses steps that would make texts longer than any memory.
  func checkGrowth(
    _ normalizer: Normalizer, _ steps: [PreTokenizer.Step], _ decoder: Decoder
  ) throws(TokenizationError) {
    let counts = [normalizer.steps.count, steps.count, decoder.replacements.count]
    guard counts.allSatisfy({ $0 <= TextGrowth.mostSteps }) else {
      throw unsupported(
        "more than \(TextGrowth.mostSteps) steps in the normalizer, pre_tokenizer or decoder")
    }
    var encoding = TextGrowth()
    encoding.add(normalizer)
    encoding.add(steps)
    var decoding = TextGrowth()
    for (pattern, content) in decoder.replacements { decoding.replace(pattern, with: content) }
    guard encoding.isBounded, decoding.isBounded else {
      throw malformed(
        "the steps of the normalizer, pre_tokenizer or decoder make a text more than "
          + "\(Int(TextGrowth.largestFactor)) times as long; the file is damaged or hostile")
    }
  }

  /// A fixed text of a step, as bytes.
  func stepText(_ text: String) throws(TokenizationError) -> [UInt8] {
    guard text.utf8.count <= TextGrowth.longestText else {
      throw unsupported(
        "a text of \(text.utf8.count) bytes in a step (limit \(TextGrowth.longestText))")
    }
    return Array(text.utf8)
  }
}
