/// The regular expressions that cut a text into words before BPE, as hand-written scanners.
///
/// Each pattern covers every text without gaps, so a scanner is a function from the start of a word
/// to its end. `\s+(?!\S)` leaves the last space of a run to the word after it.
package enum SplitPattern: Sendable, Equatable {
  /// GPT-2, and the base of SmolLM and GPT-NeoX.
  case gpt2
  /// The family of cl100k: LLaMA-3 takes up to three digits in a word, Qwen2 one.
  case cl100k(digits: Int)
  /// tekken (Mistral NeMo and later), and o200k, where a contraction belongs to its word.
  case cased(digits: Int, joinsContractions: Bool)

  private static let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
  private static let spelledContractions =
    "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
  private static let afterDigits = #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#

  /// The two forms of a word of `.cased`, each with `end` behind it, and what else there is.
  private static func casedRegex(end: String, digits: String) -> String {
    let upper = #"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#
    let lower = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#
    let lead = #"[^\r\n\p{L}\p{N}]?"#
    let rest = #"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    return "\(lead)\(upper)*\(lower)+\(end)|\(lead)\(upper)+\(lower)*\(end)|\(digits)\(rest)"
  }

  /// The scanner for a regular expression of a `tokenizer.json`, nil for one that is not known.
  package init?(regex: String) {
    let word = #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"#
    let known: [(String, SplitPattern)] = [
      (
        #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#, .gpt2
      ),
      (
        #"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#, .gpt2
      ),
      (Self.contractions + word + "{1,3}" + Self.afterDigits, .cl100k(digits: 3)),
      (Self.contractions + word + Self.afterDigits, .cl100k(digits: 1)),
      (Self.spelledContractions + word + "{1,3}" + Self.afterDigits, .cl100k(digits: 3)),
      (Self.spelledContractions + word + Self.afterDigits, .cl100k(digits: 1)),
      (Self.casedRegex(end: "", digits: #"\p{N}"#), .cased(digits: 1, joinsContractions: false)),
      (
        Self.casedRegex(end: "\(Self.contractions)?", digits: #"\p{N}{1,3}"#),
        .cased(digits: 3, joinsContractions: true)
      ),
    ]
    guard let match = known.first(where: { $0.0.utf8.elementsEqual(regex.utf8) }) else {
      return nil
    }
    self = match.1
  }

  /// The end of the word that starts at `start`; always greater than `start`.
  func endOfWord(in text: [UInt8], from start: Int, limit: Int) -> Int {
    switch self {
    case .gpt2: Self.gpt2End(text, start, limit)
    case .cl100k(let digits): Self.cl100kEnd(text, start, limit, digits: digits)
    case .cased(let digits, let joinsContractions):
      Self.casedEnd(text, start, limit, digits: digits, joinsContractions: joinsContractions)
    }
  }
}

extension SplitPattern {
  private static func gpt2End(_ text: [UInt8], _ start: Int, _ limit: Int) -> Int {
    if let end = contraction(text, start, limit, ignoringCase: false) { return end }
    let body = text[start] == 0x20 ? start + 1 : start
    if body < limit {
      let first = text.character(at: body)
      if first.class != .space { return endOfRun(text, first.end, limit, of: first.class) }
    }
    return endOfSpace(text, start, limit, afterNewline: false)
  }

  private static func cl100kEnd(
    _ text: [UInt8], _ start: Int, _ limit: Int, digits: Int
  ) -> Int {
    if let end = contraction(text, start, limit, ignoringCase: true) { return end }
    let first = text.character(at: start)
    if first.class == .letter { return endOfRun(text, first.end, limit, of: .letter) }
    if first.class == .number {
      return endOfRun(text, first.end, limit, of: .number, atMost: digits - 1)
    }
    let second = first.end < limit ? text.character(at: first.end) : nil
    if let second, second.class == .letter, !isNewline(text[start]) {
      return endOfRun(text, second.end, limit, of: .letter)
    }
    return endOfSymbols(text, start, limit, joinsSlashes: false)
  }

  /// ` ?[^\s\p{L}\p{N}]+[\r\n]*`, with slashes among the newlines on request, else white space.
  static func endOfSymbols(
    _ text: [UInt8], _ start: Int, _ limit: Int, joinsSlashes: Bool
  ) -> Int {
    let body = text[start] == 0x20 ? start + 1 : start
    guard body < limit, text.character(at: body).class == .other else {
      return endOfSpace(text, start, limit, afterNewline: true)
    }
    var end = endOfRun(text, body, limit, of: .other)
    while end < limit, isNewline(text[end]) || (joinsSlashes && text[end] == UInt8(ascii: "/")) {
      end += 1
    }
    return end
  }

  static func isNewline(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

  static func endOfRun(
    _ text: [UInt8], _ start: Int, _ limit: Int, of kind: CharacterClass, atMost count: Int = .max
  ) -> Int {
    var (end, left) = (start, count)
    while end < limit, left > 0 {
      let next = text.character(at: end)
      guard next.class == kind else { break }
      end = next.end
      left -= 1
    }
    return end
  }

  /// White space: up to its last newline where `afterNewline` (`\s*[\r\n]+`), else all of it but
  /// the last character where a word follows (`\s+(?!\S)`), else all of it (`\s+`).
  private static func endOfSpace(
    _ text: [UInt8], _ start: Int, _ limit: Int, afterNewline: Bool
  ) -> Int {
    var (end, last, newline) = (start, start, start)
    while end < limit {
      let next = text.character(at: end)
      guard next.class == .space else { break }
      if isNewline(text[end]) { newline = next.end }
      last = end
      end = next.end
    }
    if afterNewline, newline > start { return newline }
    return end < limit && last > start ? last : end
  }

  /// `'s|'t|'re|'ve|'m|'ll|'d`. Without regard to case this includes the long s, U+017F.
  static func contraction(
    _ text: [UInt8], _ start: Int, _ limit: Int, ignoringCase: Bool
  ) -> Int? {
    guard text[start] == UInt8(ascii: "'"), start + 1 < limit else { return nil }
    let fold: UInt8 = ignoringCase ? 0x20 : 0
    func letter(_ index: Int) -> UInt8 {
      guard index < limit, text[index] < 0x80 else { return 0 }
      return text[index] >= 0x41 ? text[index] | fold : text[index]
    }
    switch letter(start + 1) {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
      return start + 2
    case UInt8(ascii: "r") where letter(start + 2) == UInt8(ascii: "e"): return start + 3
    case UInt8(ascii: "v") where letter(start + 2) == UInt8(ascii: "e"): return start + 3
    case UInt8(ascii: "l") where letter(start + 2) == UInt8(ascii: "l"): return start + 3
    case 0 where ignoringCase && start + 2 < limit && text[start + 1] == 0xC5:
      return text[start + 2] == 0xBF ? start + 3 : nil
    default: return nil
    }
  }
}
