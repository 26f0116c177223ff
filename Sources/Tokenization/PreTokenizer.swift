/// Cuts a normalized text into the words inside which BPE merges.
struct PreTokenizer: Sendable {
  enum Step: Sendable, Equatable {
    case pattern(SplitPattern)
    /// Digits apart from the rest, each alone or as whole numbers.
    case digits(individual: Bool)
    case literal([UInt8], SplitBehavior)
    /// A space before every word that has none.
    case prefixSpace
    /// Spaces become a visible marker; see `Prefix` for the one in front.
    case metaspace(marker: [UInt8], prefix: Prefix, splits: Bool)
    /// Words end where a marker follows something else; used where no merge crosses such a place.
    case beforeMarker([UInt8])
  }

  /// What becomes of a separator (names as in the `tokenizers` library).
  enum SplitBehavior: String, Sendable {
    case removed = "Removed"
    case isolated = "Isolated"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"
    case contiguous = "Contiguous"
  }

  enum Prefix: String, Sendable {
    case always, first, never
  }

  var steps: [Step] = []

  /// A text and the byte ranges of its words.
  struct Words {
    var text: [UInt8]
    var ranges: [Range<Int>]
  }

  func callAsFunction(_ text: [UInt8], at position: SegmentPosition) -> Words {
    var words = Words(text: text, ranges: text.isEmpty ? [] : [0..<text.count])
    for step in steps { words.apply(step, at: position) }
    words.cutLongWords()
    return words
  }
}

extension PreTokenizer.Words {
  fileprivate mutating func apply(_ step: PreTokenizer.Step, at position: SegmentPosition) {
    switch step {
    case .pattern(let pattern):
      cut { text, start, limit in pattern.endOfWord(in: text, from: start, limit: limit) }
    case .digits(let individual):
      cut { text, start, limit in Self.endOfDigits(text, start, limit, individual: individual) }
    case .beforeMarker(let marker):
      cut { text, start, limit in Self.endBeforeMarker(text, start, limit, marker) }
    case .literal(let separator, let behavior): split(at: separator, behavior)
    case .prefixSpace:
      prefixSpaces(exceptFirst: position == .continuation)
    case .metaspace(let marker, let prefix, let splits):
      replaceSpaces(marker, prefix, at: position)
      if splits { split(at: marker, .mergedWithNext) }
    }
  }

  /// Cuts every word by a function from the start of a part to its end.
  private mutating func cut(_ endOfPart: ([UInt8], Int, Int) -> Int) {
    var parts: [Range<Int>] = []
    parts.reserveCapacity(max(ranges.count, text.count / 4))
    for range in ranges {
      var start = range.lowerBound
      while start < range.upperBound {
        let end = endOfPart(text, start, range.upperBound)
        parts.append(start..<end)
        start = end
      }
    }
    ranges = parts
  }

  private static func endOfDigits(
    _ text: [UInt8], _ start: Int, _ limit: Int, individual: Bool
  ) -> Int {
    let first = text.character(at: start)
    let isNumber = first.class == .number
    if isNumber && individual { return first.end }
    var end = first.end
    while end < limit {
      let next = text.character(at: end)
      guard (next.class == .number) == isNumber else { break }
      end = next.end
    }
    return end
  }

  private static func endBeforeMarker(
    _ text: [UInt8], _ start: Int, _ limit: Int, _ marker: [UInt8]
  ) -> Int {
    var (end, sawOther) = (start, false)
    while end < limit {
      if text.contains(marker, at: end) {
        if sawOther { return end }
        end += marker.count
      } else {
        sawOther = true
        end += text.scalar(at: end).length
      }
    }
    return end
  }

  private mutating func split(at separator: [UInt8], _ behavior: PreTokenizer.SplitBehavior) {
    guard !separator.isEmpty else { return }
    var parts: [Range<Int>] = []
    for range in ranges {
      var (start, index) = (range.lowerBound, range.lowerBound)
      func close(_ end: Int) {
        if end > start { parts.append(start..<end) }
        start = end
      }
      while index < range.upperBound {
        guard index + separator.count <= range.upperBound, text.contains(separator, at: index)
        else {
          index += 1
          continue
        }
        var end = index + separator.count
        switch behavior {
        case .mergedWithNext: close(index)
        case .mergedWithPrevious: close(end)
        case .isolated, .removed, .contiguous:
          close(index)
          while behavior == .contiguous, end + separator.count <= range.upperBound,
            text.contains(separator, at: end)
          {
            end += separator.count
          }
          if behavior == .removed { start = end } else { close(end) }
        }
        index = end
      }
      close(range.upperBound)
    }
    ranges = parts
  }

  private mutating func replaceSpaces(
    _ marker: [UInt8], _ prefix: PreTokenizer.Prefix, at position: SegmentPosition
  ) {
    let isFirst = position == .startOfText
    let prepends = prefix == .always ? position != .continuation : prefix == .first && isFirst
    var words = PreTokenizer.Words(text: [], ranges: [])
    words.text.reserveCapacity(text.count * 2)
    for (index, range) in ranges.enumerated() {
      let start = words.text.count
      let marked = text[range.lowerBound] == 0x20 || text.contains(marker, at: range.lowerBound)
      if prepends, prefix == .always || index == 0, !marked {
        words.text.append(contentsOf: marker)
      }
      for byte in text[range] {
        if byte == 0x20 { words.text.append(contentsOf: marker) } else { words.text.append(byte) }
      }
      words.ranges.append(start..<words.text.count)
    }
    self = words
  }

  private mutating func prefixSpaces(exceptFirst: Bool) {
    var words = PreTokenizer.Words(text: [], ranges: [])
    words.text.reserveCapacity(text.count + ranges.count)
    for (index, range) in ranges.enumerated() {
      let start = words.text.count
      if text[range.lowerBound] != 0x20, index > 0 || !exceptFirst { words.text.append(0x20) }
      words.text.append(contentsOf: text[range])
      words.ranges.append(start..<words.text.count)
    }
    self = words
  }
}
