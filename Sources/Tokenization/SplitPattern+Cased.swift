/// The patterns of o200k and tekken: words are told apart by upper and lower case too.
///
/// Their words are `U*L+` or else `U+L*`, where letters without case and marks count as both, after
/// an optional character that is neither newline, letter nor number.
extension SplitPattern {
  private enum LetterCase {
    case upper, lower
    /// A letter without case, or a mark.
    case both
    case none

    init(_ scalar: Unicode.Scalar) {
      switch scalar.properties.generalCategory {
      case .uppercaseLetter, .titlecaseLetter: self = .upper
      case .lowercaseLetter: self = .lower
      case .modifierLetter, .otherLetter, .nonspacingMark, .spacingMark, .enclosingMark:
        self = .both
      default: self = .none
      }
    }
  }

  static func casedEnd(
    _ text: [UInt8], _ start: Int, _ limit: Int, digits: Int, joinsContractions: Bool
  ) -> Int {
    let first = text.character(at: start)
    if first.class == .number {
      return endOfRun(text, first.end, limit, of: .number, atMost: digits - 1)
    }
    guard let end = endOfCasedWord(text, start, limit) else {
      return endOfSymbols(text, start, limit, joinsSlashes: true)
    }
    guard joinsContractions, end < limit else { return end }
    return contraction(text, end, limit, ignoringCase: true) ?? end
  }

  /// The first that matches: `U*L+` with and without the character in front, then `U+L*` likewise.
  private static func endOfCasedWord(_ text: [UInt8], _ start: Int, _ limit: Int) -> Int? {
    let bare = casedRun(text, start, limit)
    let first = text.character(at: start)
    if first.class == .letter || isNewline(text[start]) { return bare.mixed ?? bare.upper }
    let led = casedRun(text, first.end, limit)
    return led.mixed ?? bare.mixed ?? led.upper ?? bare.upper
  }

  /// Where `U*L+` ends, and where `U+L*` ends if the former does not match.
  private static func casedRun(
    _ text: [UInt8], _ start: Int, _ limit: Int
  ) -> (mixed: Int?, upper: Int?) {
    var (end, lastBoth): (Int, Int?) = (start, nil)
    var sawLower = false
    while end < limit {
      let (scalar, length) = text.scalar(at: end)
      let kind = LetterCase(scalar)
      if kind == .none || (sawLower && kind == .upper) { break }
      end += length
      sawLower = sawLower || kind == .lower
      if kind == .both { lastBoth = end }
    }
    // Without a lower-case letter L+ takes the last character that counts as both, and no more.
    if sawLower { return (end, nil) }
    return (lastBoth, lastBoth == nil && end > start ? end : nil)
  }
}
