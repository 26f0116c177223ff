extension Tokenizer {
  /// The text of ids; bytes that form no UTF-8 come out as U+FFFD.
  ///
  /// The exact inverse of encoding: nothing is "cleaned up", and where the model puts a dummy space
  /// in front of a text (SentencePiece), one leading space is taken away again.
  package func decode(_ ids: [Int32], skipSpecial: Bool) -> String {
    String(decoding: decodedBytes(ids, skipSpecial: skipSpecial), as: UTF8.self)
  }

  /// The same before bytes become characters.
  package func decodedBytes(_ ids: [Int32], skipSpecial: Bool) -> [UInt8] {
    var bytes: [UInt8] = []
    for id in ids where !(skipSpecial && isSpecial(id)) { bytes.append(contentsOf: vocabulary[id]) }
    bytes.removeFirst(min(leadingSpaces, bytes.prefix { $0 == 0x20 }.count))
    return bytes
  }
}

/// Decodes ids one by one as they are generated; gives out whole characters only.
package struct StreamingDecoder: Sendable {
  private let tokenizer: Tokenizer
  private let skipSpecial: Bool
  private var leadingSpaces: Int
  private var pending: [UInt8] = []

  /// `atStart` false: the ids continue a text, so a leading space is part of it.
  package init(_ tokenizer: Tokenizer, skipSpecial: Bool, atStart: Bool = true) {
    self.tokenizer = tokenizer
    self.skipSpecial = skipSpecial
    leadingSpaces = atStart ? tokenizer.leadingSpaces : 0
  }

  /// The text that became complete with this id; often empty inside a character.
  package mutating func append(_ id: Int32) -> String {
    guard !(skipSpecial && tokenizer.isSpecial(id)) else { return "" }
    var bytes = tokenizer.vocabulary[id]
    while leadingSpaces > 0, bytes.first == 0x20 {
      bytes.removeFirst()
      leadingSpaces -= 1
    }
    if !bytes.isEmpty { leadingSpaces = 0 }
    pending.append(contentsOf: bytes)
    let complete = pending.count - Self.incompleteTail(pending)
    let text = String(decoding: pending[..<complete], as: UTF8.self)
    pending.removeFirst(complete)
    return text
  }

  /// What is left at the end: U+FFFD for a character that was never completed, else nothing.
  package mutating func finish() -> String {
    defer { pending = [] }
    return String(decoding: pending, as: UTF8.self)
  }

  /// How many bytes at the end begin a character that more bytes could complete: 0 to 3.
  private static func incompleteTail(_ bytes: [UInt8]) -> Int {
    for length in 1...3 where length <= bytes.count {
      let lead = bytes[bytes.count - length]
      if lead & 0xC0 == 0x80 { continue }
      let needed = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1
      guard needed > length, lead >= 0xC2, lead < 0xF5 else { return 0 }
      return length == 1 || isValidSecond(bytes[bytes.count - length + 1], after: lead) ? length : 0
    }
    return 0
  }

  /// Second bytes narrower than 80...BF rule out overlong forms, surrogates, and > U+10FFFF.
  private static func isValidSecond(_ byte: UInt8, after lead: UInt8) -> Bool {
    switch lead {
    case 0xE0: (0xA0...0xBF).contains(byte)
    case 0xED: (0x80...0x9F).contains(byte)
    case 0xF0: (0x90...0xBF).contains(byte)
    case 0xF4: (0x80...0x8F).contains(byte)
    default: (0x80...0xBF).contains(byte)
    }
  }
}
