internal import Foundation

/// Where a stretch of text between added tokens stands; decides who gets a leading space.
enum SegmentPosition: Sendable {
  case startOfText
  case afterToken
  /// The text goes on from one that was encoded before.
  case continuation
}

/// What happens to a text before it is cut into words.
struct Normalizer: Sendable {
  enum Step: Sendable, Equatable {
    case unicode(UnicodeForm)
    /// Put in front of every stretch that is not empty; `onlyAtStart` of the first one only.
    case prepend([UInt8], onlyAtStart: Bool)
    case replace([UInt8], with: [UInt8])
    /// SentencePiece's `remove_extra_whitespaces`: no spaces at the ends, single ones inside.
    case collapseSpaces
  }

  enum UnicodeForm: String, Sendable, CaseIterable {
    case composed = "NFC"
    case decomposed = "NFD"
    case compatibilityComposed = "NFKC"
    case compatibilityDecomposed = "NFKD"
  }

  var steps: [Step] = []

  func callAsFunction(_ text: [UInt8], at position: SegmentPosition) -> [UInt8] {
    var text = text
    for step in steps {
      switch step {
      case .unicode(let form): text = Self.normalize(text, form)
      case .prepend(let prefix, let onlyAtStart):
        let applies = position == .startOfText || (position == .afterToken && !onlyAtStart)
        if applies, !text.isEmpty { text.insert(contentsOf: prefix, at: 0) }
      case .replace(let pattern, let content):
        text = text.replacing(bytes: pattern, with: content)
      case .collapseSpaces: text = Self.collapseSpaces(text)
      }
    }
    return text
  }

  private static func normalize(_ text: [UInt8], _ form: UnicodeForm) -> [UInt8] {
    if text.allSatisfy({ $0 < 0x80 }) { return text }
    let string = String(decoding: text, as: UTF8.self)
    return switch form {
    case .composed: Array(string.precomposedStringWithCanonicalMapping.utf8)
    case .decomposed: Array(string.decomposedStringWithCanonicalMapping.utf8)
    case .compatibilityComposed: Array(string.precomposedStringWithCompatibilityMapping.utf8)
    case .compatibilityDecomposed: Array(string.decomposedStringWithCompatibilityMapping.utf8)
    }
  }

  private static func collapseSpaces(_ text: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    for byte in text where byte != 0x20 || (result.last ?? 0x20) != 0x20 { result.append(byte) }
    // At the end written-out markers go too, as in the reference.
    while let last = result.last {
      let isMarker = result.contains(TokenizerJSON.marker, at: result.count - 3)
      guard last == 0x20 || isMarker else { break }
      result.removeLast(isMarker ? 3 : 1)
    }
    return result
  }
}

extension [UInt8] {
  func contains(_ pattern: [UInt8], at index: Int) -> Bool {
    guard index >= 0, pattern.count <= count - index else { return false }
    for offset in 0..<pattern.count where self[index + offset] != pattern[offset] { return false }
    return true
  }

  /// All occurrences of a byte string replaced, from left to right; an empty pattern changes
  /// nothing.
  func replacing(bytes pattern: [UInt8], with content: [UInt8]) -> [UInt8] {
    guard let first = pattern.first else { return self }
    var result: [UInt8] = []
    result.reserveCapacity(count + 16)
    var index = 0
    while index < count {
      if self[index] == first, contains(pattern, at: index) {
        result.append(contentsOf: content)
        index += pattern.count
      } else {
        result.append(self[index])
        index += 1
      }
    }
    return result
  }
}
