/// A byte string to look for, by Knuth, Morris and Pratt: time is linear in the text, whatever the
/// pattern repeats.
struct BytePattern {
  let bytes: [UInt8]
  /// For each prefix, the length of its longest proper prefix that is also its suffix.
  private let borders: [Int]

  /// Bytes of memory for each byte of a pattern, beside the pattern itself.
  static let overhead = MemoryLayout<Int>.stride

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    var borders = [Int](repeating: 0, count: bytes.count)
    var length = 0
    for index in bytes.indices.dropFirst() {
      while length > 0, bytes[index] != bytes[length] { length = borders[length - 1] }
      if bytes[index] == bytes[length] { length += 1 }
      borders[index] = length
    }
    self.borders = borders
  }

  /// Where the pattern first occurs in `text` at or after `start`; an empty one occurs everywhere.
  func firstIndex(in text: [UInt8], from start: Int = 0) -> Int? {
    if bytes.isEmpty { return start <= text.count ? start : nil }
    var matched = 0
    for index in text.indices.dropFirst(start) {
      while matched > 0, text[index] != bytes[matched] { matched = borders[matched - 1] }
      if text[index] == bytes[matched] { matched += 1 }
      if matched == bytes.count { return index + 1 - matched }
    }
    return nil
  }
}

extension BytePattern {
  /// How often a pattern that is not empty occurs, without overlaps.
  func occurrences(in text: [UInt8]) -> Int {
    var (count, start) = (0, 0)
    while let index = firstIndex(in: text, from: start) {
      count += 1
      start = index + bytes.count
    }
    return count
  }
}

extension String {
  var bytes: [UInt8] { Array(utf8) }
}

extension [UInt8] {
  func contains(_ pattern: [UInt8], at index: Int) -> Bool {
    index >= 0 && pattern.count <= count - index && self[index...].starts(with: pattern)
  }
}
