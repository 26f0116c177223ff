package import Tokenization

extension Tokenizer: TextEncoder {
  package func encode(_ text: String, parseSpecial: Bool, after previous: Int32?) -> [Int32] {
    if parseSpecial, let previous, isSpecial(previous), let token = self.text(of: previous) {
      // Read together with the token, the text gets what the model wants after a special token.
      let ids = encode(token + text, addSpecial: false, parseSpecial: true)
      if ids.first == previous { return Array(ids.dropFirst()) }
    }
    return encode(
      text, addSpecial: false, parseSpecial: parseSpecial, continuing: previous != nil)
  }

  package func decode(_ ids: [Int32]) -> String { decode(ids, skipSpecial: false) }

  package var beginsWithBOS: Bool { addsBOS }

  /// True where no token holds letter, space, letter: then no merge crosses a place where parts
  /// meet. A probe finds normalizers that treat the begin or end of a text in their own way.
  package var splitsBetweenWords: Bool {
    let probe = (left: "Two words. And\n\n  more (see 12 below)", right: " follow here,\n = so = ")
    let parts =
      encode(probe.left, addSpecial: false, parseSpecial: false)
      + encode(probe.right, addSpecial: false, parseSpecial: false, continuing: true)
    guard parts == encode(probe.left + probe.right, addSpecial: false, parseSpecial: false) else {
      return false
    }
    return (0..<Int32(clamping: vocabularySize)).allSatisfy { !Self.joinsWords(bytes(of: $0)) }
  }

  private static func joinsWords(_ bytes: [UInt8]) -> Bool {
    guard bytes.count >= 3 else { return false }
    func isLetter(_ byte: UInt8) -> Bool {
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
    return (1..<(bytes.count - 1)).contains {
      bytes[$0] == 0x20 && isLetter(bytes[$0 - 1]) && isLetter(bytes[$0 + 1])
    }
  }
}
