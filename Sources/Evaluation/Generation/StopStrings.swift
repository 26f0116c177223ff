/// Looks for stop strings in text that comes in chunks; holds back what might begin one.
package struct StopStrings {
  private let strings: [[UInt8]]
  private var held: [UInt8] = []
  package private(set) var isMatched = false

  package init(_ strings: [String]) {
    self.strings = strings.map { Array($0.utf8) }.filter { !$0.isEmpty }
  }

  /// The text that is certain not to belong to a stop string. Empty after a match.
  package mutating func append(_ text: String) -> String {
    guard !isMatched else { return "" }
    guard !strings.isEmpty else { return text }
    held += text.utf8
    if let start = held.indices.first(where: { start in
      strings.contains { held[start...].starts(with: $0) }
    }) {
      isMatched = true
      held.removeSubrange(start...)
      return finish()
    }
    // A suffix that begins a stop string starts with a whole character, so the cut is between two.
    let start =
      held.indices.first { start in
        strings.contains { $0.starts(with: held[start...]) }
      } ?? held.count
    defer { held.removeFirst(start) }
    return String(decoding: held[..<start], as: UTF8.self)
  }

  /// What was held back, at the end of the text.
  package mutating func finish() -> String {
    defer { held = [] }
    return String(decoding: held, as: UTF8.self)
  }
}
