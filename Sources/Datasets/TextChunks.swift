internal import Checkpoints

/// Reads a plain text file in parts that can be encoded one by one.
struct TextChunks {
  let path: String
  private let file: MappedFile
  private let target: Int
  private(set) var position: Int

  /// Parts of about `target` bytes that end with a line end before a character that is no white
  /// space; nil takes the file as one part.
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
    guard let text = String(validating: bytes[start..<end], as: UTF8.self) else {
      let line = bytes[..<start].count { $0 == UInt8(ascii: "\n") } + 1
      throw .malformed(
        place: "\(path):\(line)",
        reason: "the text from this line on is not UTF-8; convert the file, or name its type")
    }
    return text
  }

  /// ASCII white space is judged here; other white space is never taken for a boundary's right side
  /// because only ASCII starts are accepted.
  private func isBoundary(_ index: Int) -> Bool {
    file.bytes[index - 1] == UInt8(ascii: "\n") && (0x21..<0x7F).contains(file.bytes[index])
  }
}
