/// A token that is looked for in the text itself, before any normalization or BPE.
struct AddedToken: Sendable, Equatable {
  var id: Int32
  var content: [UInt8]
  /// Only recognised on request, and left out of decoded text on request.
  var isSpecial = true
  /// Takes the white space before / after it along.
  var stripsLeft = false
  var stripsRight = false
  /// Not inside a word.
  var isSingleWord = false
  /// Looked for in the normalized text.
  var isNormalized = false
}

/// Finds added tokens in a text: leftmost first, of several at one place the longest.
struct AddedTokenMatcher: Sendable {
  private let tokens: [AddedToken]
  private let automaton: AddedTokenAutomaton

  enum Segment: Equatable {
    case text(Range<Int>)
    case token(Int32)
  }

  init(_ tokens: [AddedToken]) {
    self.tokens = tokens
    automaton = AddedTokenAutomaton(tokens)
  }

  var isEmpty: Bool { tokens.isEmpty }

  /// The text cut at its added tokens; special ones count where `parseSpecial`.
  func segments(of text: [UInt8], parseSpecial: Bool) -> [Segment] {
    var segments: [Segment] = []
    var (start, position) = (0, 0)
    let matches =
      tokens.isEmpty ? [] : automaton.matches(in: text, includingSpecial: parseSpecial)
    for match in matches.reversed() where match.position >= position {
      let token = tokens[Int(match.token)]
      var (from, to) = (Int(match.position), Int(match.position) + token.content.count)
      position = to
      if token.isSingleWord, Self.isInsideWord(text, from, to) { continue }
      if token.stripsLeft {
        while from > start, let before = text.spaceEnding(at: from) { from = max(start, before) }
      }
      if token.stripsRight {
        while to < text.count, text.character(at: to).class == .space {
          to = text.character(at: to).end
        }
      }
      if from > start { segments.append(.text(start..<from)) }
      segments.append(.token(token.id))
      (start, position) = (to, max(position, to))
    }
    if start < text.count { segments.append(.text(start..<text.count)) }
    return segments
  }

  private static func isInsideWord(_ text: [UInt8], _ from: Int, _ to: Int) -> Bool {
    (to < text.count && text.scalar(at: to).scalar.isWordCharacter)
      || (text.startOfScalar(before: from).map { text.scalar(at: $0).scalar.isWordCharacter }
        ?? false)
  }
}

extension [UInt8] {
  fileprivate func startOfScalar(before end: Int) -> Int? {
    guard end > 0 else { return nil }
    var start = end - 1
    while start > 0, self[start] & 0xC0 == 0x80 { start -= 1 }
    return start
  }

  /// The start of the white-space character that ends at `end`.
  fileprivate func spaceEnding(at end: Int) -> Int? {
    guard let start = startOfScalar(before: end), character(at: start).class == .space else {
      return nil
    }
    return start
  }
}

extension Unicode.Scalar {
  /// `\w` of the Unicode regular expression report.
  fileprivate var isWordCharacter: Bool {
    switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: true
    default: properties.isAlphabetic || properties.isJoinControl
    }
  }
}
