/// The four kinds of character that every pre-tokenizer pattern tells apart.
enum CharacterClass: UInt8, Sendable {
  /// `\p{L}`
  case letter
  /// `\p{N}`
  case number
  /// `\s`, the Unicode property White_Space
  case space
  case other

  init(_ scalar: Unicode.Scalar) {
    self =
      scalar.value < 0x1_0000
      ? Self.basicPlane[Int(scalar.value)] : Self.computed(scalar.properties)
  }

  /// One look into a table instead of several searches in the Unicode data.
  private static let basicPlane: [CharacterClass] = (0..<0x1_0000).map { value in
    Unicode.Scalar(UInt32(value)).map { computed($0.properties) } ?? .other
  }

  private static func computed(_ properties: Unicode.Scalar.Properties) -> CharacterClass {
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
      .letter
    case .decimalNumber, .letterNumber, .otherNumber: .number
    default: properties.isWhitespace ? .space : .other
    }
  }
}

extension [UInt8] {
  /// The scalar that starts at `index` of valid UTF-8, and its length in bytes.
  ///
  /// Where the bytes are not valid UTF-8 the answer is U+FFFD of length 1; no index outside of the
  /// array is ever touched.
  func scalar(at index: Int) -> (scalar: Unicode.Scalar, length: Int) {
    let first = self[index]
    if first < 0x80 { return (Unicode.Scalar(first), 1) }
    let length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
    guard first >= 0xC2, first < 0xF5, index + length <= count else { return ("\u{FFFD}", 1) }
    var value = UInt32(first) & (0x7F >> UInt32(length))
    for offset in 1..<length { value = value << 6 | UInt32(self[index + offset] & 0x3F) }
    guard let scalar = Unicode.Scalar(value) else { return ("\u{FFFD}", 1) }
    return (scalar, length)
  }

  /// Class and end of the character that starts at `index`.
  func character(at index: Int) -> (class: CharacterClass, end: Int) {
    let (scalar, length) = scalar(at: index)
    return (CharacterClass(scalar), index + length)
  }
}
