internal import Checkpoints

/// Reads a plain text file in parts that can be encoded one by one.
struct TextChunks {
  let path: String
  private let file: MappedFile
  private let target: Int
  /// Tokenizers take texts below 1 GiB.
  private static let largestPart = 1 << 30
  private(set) var position: Int

  /// Parts of at least `target` bytes that meet between words (see `TextEncoder`); nil takes the
  /// file as one part.
  init(_ file: MappedFile, path: String, target: Int?) {
    self.file = file
    self.path = path
    self.target = target ?? file.bytes.count
    position = file.bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
  }

  mutating func next() throws(DatasetError) -> String? {
    let bytes = file.bytes
    guard position < bytes.count else { return nil }
    let start = position
    var end = min(start + max(target, 1), bytes.count)
    while end < bytes.count, !isBoundary(end) { end += 1 }
    position = end
    guard end - start < Self.largestPart else {
      throw .malformed(
        location: path, reason: "\(end - start) bytes without a place to part them; split the file")
    }
    guard let text = String(validating: bytes[start..<end], as: UTF8.self) else {
      let line = bytes[..<start].count { $0 == UInt8(ascii: "\n") } + 1
      throw .malformed(
        location: "\(path):\(line)",
        reason: "the text from this line on is not UTF-8; convert the file, or name its type")
    }
    return text
  }

  /// Whether a part may end before the byte at `index`.
  private func isBoundary(_ index: Int) -> Bool {
    func isLetter(_ byte: UInt8) -> Bool {
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
    let bytes = file.bytes
    return index + 1 < bytes.count && bytes[index] == 0x20 && isLetter(bytes[index - 1])
      && isLetter(bytes[index + 1])
  }
}
