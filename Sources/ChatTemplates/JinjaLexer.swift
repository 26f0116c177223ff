/// Cuts a template into text and tags, and tags into tokens, with the white-space rules of an
/// environment.
struct JinjaLexer {
  enum Token: Equatable {
    case name(String)
    case string(String)
    case int(Int)
    case double(Double)
    case symbol(String)
  }

  enum Chunk {
    case text(String)
    case output([Token], line: Int)
    case block([Token], line: Int)

    func mentions(_ name: String) -> Bool {
      switch self {
      case .text: false
      case .output(let tokens, _), .block(let tokens, _): tokens.contains(.name(name))
      }
    }
  }

  /// Keeps recursion over one expression shallow; real tags have a few dozen.
  static let maximumTokens = 2048

  private let source: [UInt8]
  private var position = 0
  private var line = 1
  /// The text so far ended with a newline that a tag has swallowed, or nothing came before.
  private var startsLine = true

  private let trimsBlocks: Bool

  init(_ text: String, _ environment: JinjaEnvironment) {
    source = Self.unixLines(Array(text.utf8), keepsLast: environment.keepsLastNewline)
    trimsBlocks = environment.trimsBlocks
  }

  mutating func chunks() throws(ChatTemplateError) -> [Chunk] {
    var chunks: [Chunk] = []
    while position < source.count {
      let start = position
      while position < source.count, tagKind(at: position) == nil { position += 1 }
      appendText(start..<position, to: &chunks)
      guard position < source.count, let kind = tagKind(at: position) else { break }
      line += source[start..<position].count { $0 == 0x0A }
      try appendTag(kind, to: &chunks)
    }
    return chunks
  }

  /// CR LF and CR become LF; one LF at the very end goes, unless it is kept.
  private static func unixLines(_ text: [UInt8], keepsLast: Bool) -> [UInt8] {
    var lines: [UInt8] = []
    lines.reserveCapacity(text.count)
    for (index, byte) in text.enumerated() {
      if byte == 0x0A, index > 0, text[index - 1] == 0x0D { continue }
      lines.append(byte == 0x0D ? 0x0A : byte)
    }
    if lines.last == 0x0A, !keepsLast { lines.removeLast() }
    return lines
  }

  func error(_ reason: String) -> ChatTemplateError { .faulty(line: line, reason: reason) }
}

extension JinjaLexer {
  private func byte(_ index: Int) -> UInt8 { index < source.count ? source[index] : 0 }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || (0x09...0x0D).contains(byte)
  }

  /// `{`, `%` or `#`: the character after the opening brace of a tag.
  private func tagKind(at index: Int) -> UInt8? {
    guard source[index] == UInt8(ascii: "{") else { return nil }
    let kind = byte(index + 1)
    return kind == UInt8(ascii: "{") || kind == UInt8(ascii: "%") || kind == UInt8(ascii: "#")
      ? kind : nil
  }

  /// Text before the tag at `position`, as the tag's opening leaves it.
  private func appendText(_ range: Range<Int>, to chunks: inout [Chunk]) {
    var end = range.upperBound
    let sign = byte(end + 2)
    if end < source.count, sign == UInt8(ascii: "-") {
      while end > range.lowerBound, Self.isSpace(source[end - 1]) { end -= 1 }
    } else if end < source.count, trimsBlocks, sign != UInt8(ascii: "+"),
      byte(end + 1) != UInt8(ascii: "{")
    {
      var start = end
      while start > range.lowerBound, source[start - 1] == 0x20 || source[start - 1] == 0x09 {
        start -= 1
      }
      let atLineStart = start == range.lowerBound ? startsLine : source[start - 1] == 0x0A
      if atLineStart { end = start }
    }
    if end > range.lowerBound {
      chunks.append(.text(String(decoding: source[range.lowerBound..<end], as: UTF8.self)))
    }
  }

  private mutating func appendTag(
    _ kind: UInt8, to chunks: inout [Chunk]
  ) throws(ChatTemplateError) {
    let start = line
    position += 2
    if kind == UInt8(ascii: "#") { return try skipComment() }
    if byte(position) == UInt8(ascii: "-") || byte(position) == UInt8(ascii: "+") { position += 1 }
    let isBlock = kind == UInt8(ascii: "%")
    let tokens = try tagTokens(closing: isBlock ? UInt8(ascii: "%") : UInt8(ascii: "}"))
    if isBlock, tokens == [.name("raw")] {
      try appendRaw(to: &chunks)
    } else {
      chunks.append(isBlock ? .block(tokens, line: start) : .output(tokens, line: start))
    }
  }

  private mutating func skipComment() throws(ChatTemplateError) {
    while position < source.count, !source.contains(Array("#}".utf8), at: position) {
      if source[position] == 0x0A { line += 1 }
      position += 1
    }
    guard position < source.count else { throw error("a comment that does not end") }
    let sign = source[position - 1]
    position += 2
    closeTag(sign: sign, trimsNewline: true)
  }

  /// What a tag's end does to the text after it.
  private mutating func closeTag(sign: UInt8, trimsNewline: Bool) {
    let start = position
    if sign == UInt8(ascii: "-") {
      while position < source.count, Self.isSpace(source[position]) { position += 1 }
    } else if trimsNewline, trimsBlocks, sign != UInt8(ascii: "+"), byte(position) == 0x0A {
      position += 1
    }
    line += source[start..<position].count { $0 == 0x0A }
    startsLine = position > start && source[position - 1] == 0x0A
  }

  /// Whether the tag's first word is `endraw`; looks no further, so that raw text stays linear.
  private func closesRaw(at tag: Int) -> Bool {
    var start = tag + 2
    if byte(start) == UInt8(ascii: "-") || byte(start) == UInt8(ascii: "+") { start += 1 }
    while start < source.count, Self.isSpace(source[start]) { start += 1 }
    return source.contains(Array("endraw".utf8), at: start)
  }

  private mutating func appendRaw(to chunks: inout [Chunk]) throws(ChatTemplateError) {
    let start = position
    while position < source.count {
      guard tagKind(at: position) == UInt8(ascii: "%") else {
        position += 1
        continue
      }
      let end = position
      guard closesRaw(at: position) else {
        position += 2
        continue
      }
      var probe = self
      probe.position += 2
      let sign = byte(probe.position)
      if sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { probe.position += 1 }
      guard let tokens = try? probe.tagTokens(closing: UInt8(ascii: "%")),
        tokens == [.name("endraw")]
      else {
        position += 2
        continue
      }
      appendText(start..<end, to: &chunks)
      probe.line += source[start..<end].count { $0 == 0x0A }
      self = probe
      return
    }
    throw error("{% raw %} without {% endraw %}")
  }
}

extension JinjaLexer {
  /// The tokens up to the end of the tag, which is consumed with the white space it swallows.
  private mutating func tagTokens(closing: UInt8) throws(ChatTemplateError) -> [Token] {
    var tokens: [Token] = []
    var depth = 0
    while position < source.count {
      let byte = source[position]
      if Self.isSpace(byte) {
        if byte == 0x0A { line += 1 }
        position += 1
        continue
      }
      if depth == 0, let (length, sign) = closingLength(closing) {
        position += length
        closeTag(sign: sign, trimsNewline: closing == UInt8(ascii: "%"))
        return tokens
      }
      let token = try token()
      if case .symbol(let symbol) = token {
        if ["(", "[", "{"].contains(symbol) { depth += 1 }
        if [")", "]", "}"].contains(symbol) { depth -= 1 }
        guard depth >= 0 else { throw error("unexpected \"\(symbol)\"") }
      }
      tokens.append(token)
      guard tokens.count <= Self.maximumTokens else {
        throw error("a tag of more than \(Self.maximumTokens) tokens")
      }
    }
    throw error("a tag that does not end")
  }

  private func closingLength(_ closing: UInt8) -> (length: Int, sign: UInt8)? {
    let first = source[position]
    let isSign = first == UInt8(ascii: "-") || (first == UInt8(ascii: "+") && closing == 0x25)
    let start = isSign ? position + 1 : position
    guard byte(start) == closing, byte(start + 1) == UInt8(ascii: "}") else { return nil }
    return (start + 2 - position, isSign ? first : 0)
  }

  private mutating func token() throws(ChatTemplateError) -> Token {
    let first = source[position]
    switch first {
    case UInt8(ascii: "'"), UInt8(ascii: "\""): return .string(try string(quote: first))
    case 0x30...0x39: return try number()
    case UInt8(ascii: "_"), 0x41...0x5A, 0x61...0x7A, 0x80...: return .name(name())
    default: return try symbol()
    }
  }

  private mutating func name() -> String {
    let start = position
    while position < source.count {
      switch source[position] {
      case UInt8(ascii: "_"), 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x80...: position += 1
      default: return String(decoding: source[start..<position], as: UTF8.self)
      }
    }
    return String(decoding: source[start..<position], as: UTF8.self)
  }

  private mutating func number() throws(ChatTemplateError) -> Token {
    let start = position
    func isDigit(_ index: Int) -> Bool {
      (0x30...0x39).contains(byte(index)) || byte(index) == 0x5F
    }
    while isDigit(position) { position += 1 }
    var isWhole = true
    if byte(position) == UInt8(ascii: "."), isDigit(position + 1) {
      isWhole = false
      position += 1
      while isDigit(position) { position += 1 }
    }
    if byte(position) | 0x20 == UInt8(ascii: "e") {
      let sign = byte(position + 1) == UInt8(ascii: "-") || byte(position + 1) == UInt8(ascii: "+")
      let digits = position + (sign ? 2 : 1)
      if isDigit(digits) {
        isWhole = false
        position = digits
        while isDigit(position) { position += 1 }
      }
    }
    let text = String(decoding: source[start..<position].filter { $0 != 0x5F }, as: UTF8.self)
    if isWhole, let int = Int(text) { return .int(int) }
    guard !isWhole, let double = Double(text), double.isFinite else {
      throw error("the number \(text) is too large")
    }
    return .double(double)
  }

  private mutating func symbol() throws(ChatTemplateError) -> Token {
    let two = String(decoding: [source[position], byte(position + 1)], as: UTF8.self)
    if ["==", "!=", "<=", ">=", "//", "**"].contains(two) {
      position += 2
      return .symbol(two)
    }
    guard "+-*/%~<>=.,:|()[]{}".utf8.contains(source[position]) else {
      throw error("unexpected character \(Character(Unicode.Scalar(source[position])))")
    }
    position += 1
    return .symbol(String(decoding: [source[position - 1]], as: UTF8.self))
  }

  /// A quoted text with Python's escapes.
  private mutating func string(quote: UInt8) throws(ChatTemplateError) -> String {
    position += 1
    var text: [UInt8] = []
    while position < source.count, source[position] != quote {
      let byte = source[position]
      position += 1
      if byte == 0x0A { line += 1 }
      if byte == UInt8(ascii: "\\") { try escape(into: &text) } else { text.append(byte) }
    }
    guard position < source.count else { throw error("a text in quotes that does not end") }
    position += 1
    return String(decoding: text, as: UTF8.self)
  }

  private mutating func escape(into text: inout [UInt8]) throws(ChatTemplateError) {
    guard position < source.count else { throw error("a text in quotes that does not end") }
    let kind = source[position]
    position += 1
    switch kind {
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "v"): text.append(0x0B)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "a"): text.append(0x07)
    case UInt8(ascii: "0"): text.append(0x00)
    case UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "\\"): text.append(kind)
    case 0x0A: line += 1
    case UInt8(ascii: "x"): try appendScalar(digits: 2, to: &text)
    case UInt8(ascii: "u"): try appendScalar(digits: 4, to: &text)
    case UInt8(ascii: "U"): try appendScalar(digits: 8, to: &text)
    default: text += [UInt8(ascii: "\\"), kind]
    }
  }

  private mutating func appendScalar(
    digits: Int, to text: inout [UInt8]
  ) throws(ChatTemplateError) {
    let end = min(position + digits, source.count)
    guard let value = UInt32(String(decoding: source[position..<end], as: UTF8.self), radix: 16),
      end == position + digits, let scalar = Unicode.Scalar(value)
    else { throw error("a broken \\x, \\u or \\U escape") }
    position = end
    text.append(contentsOf: String(Character(scalar)).utf8)
  }
}
