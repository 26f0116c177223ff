extension PreTokenizer.Words {
  /// BPE needs about 40 bytes of memory for each byte of a word. A longer word (data that is no
  /// language, or Chinese text without spaces under a pattern that never cuts it) is merged in
  /// stretches of so many bytes; the ids are those of the stretches. Goldens hold words of 100 kB.
  static let longestWord = 1 << 20

  /// Cuts words above `longestWord`: always at the same places of the same word.
  mutating func cutLongWords() {
    guard ranges.contains(where: { $0.count > Self.longestWord }) else { return }
    ranges = ranges.flatMap { range in
      var stretches: [Range<Int>] = []
      var start = range.lowerBound
      while range.upperBound - start > Self.longestWord {
        let end = cut(before: start + Self.longestWord)
        stretches.append(start..<end)
        start = end
      }
      return stretches + [start..<range.upperBound]
    }
  }

  /// The last place of the kilobyte before `limit` where a letter, number, space or other character
  /// follows one of another kind; else the last place between two characters.
  private func cut(before limit: Int) -> Int {
    var index = limit - 1024
    while text[index] & 0xC0 == 0x80 { index += 1 }
    var (last, lastOfKind) = (index, -1)
    var kind = text.character(at: index).class
    while index < limit {
      let character = text.character(at: index)
      if character.class != kind { lastOfKind = index }
      (kind, last, index) = (character.class, index, character.end)
    }
    return lastOfKind >= 0 ? lastOfKind : index == limit ? limit : last
  }
}
