/// Finds where records start and end in the bytes of a JSON or JSONL file, without parsing them, so
/// a file of any size is read one record at a time.
struct RecordScanner {
  enum Layout: Equatable {
    /// One value a line.
    case lines
    /// The elements of one array.
    case array
    /// One value that fills the file.
    case document
  }

  enum Step: Equatable {
    case record(Range<Int>)
    case end
    /// The file is broken at this byte.
    case fault(Int, String)
  }

  let layout: Layout
  /// Next byte to look at.
  private(set) var position: Int
  /// Records found so far.
  private(set) var found = 0

  init(layout: Layout, bytes: UnsafeRawBufferPointer) {
    self.layout = layout
    position = Self.firstByte(bytes)
    if layout == .array { position += 1 }
  }

  /// Layout by content; nil where the file is empty. A line that is a whole object means lines; an
  /// object that goes on over the line end is a document.
  static func layout(of bytes: UnsafeRawBufferPointer) -> Layout? {
    let start = firstByte(bytes)
    guard start < bytes.count else { return nil }
    if bytes[start] == UInt8(ascii: "[") { return .array }
    guard bytes[start] == UInt8(ascii: "{") else { return .lines }
    let lineEnd = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
    let valueEnd = endOfValue(bytes[..<lineEnd], from: start)
    let rest = skipSpace(bytes, from: lineEnd)
    return valueEnd == nil && rest < bytes.count && !(bytes[rest] == UInt8(ascii: "{"))
      ? .document : .lines
  }

  mutating func next(_ bytes: UnsafeRawBufferPointer) -> Step {
    let step =
      switch layout {
      case .lines: nextLine(bytes)
      case .array: nextElement(bytes)
      case .document: wholeDocument(bytes)
      }
    if case .record = step { found += 1 }
    return step
  }

  private mutating func nextLine(_ bytes: UnsafeRawBufferPointer) -> Step {
    position = Self.skipSpace(bytes, from: position)
    guard position < bytes.count else { return .end }
    let start = position
    let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
    position = end
    return .record(start..<end)
  }

  private mutating func wholeDocument(_ bytes: UnsafeRawBufferPointer) -> Step {
    guard position < bytes.count else { return .end }
    defer { position = bytes.count }
    return .record(position..<bytes.count)
  }

  private mutating func nextElement(_ bytes: UnsafeRawBufferPointer) -> Step {
    // The array was closed before: only white space may follow.
    if position > bytes.count { return .end }
    position = Self.skipSpace(bytes, from: position)
    guard position < bytes.count else { return .fault(position, "the array is not closed") }
    if bytes[position] == UInt8(ascii: "]") {
      guard found == 0 else { return .fault(position, "expected an element after ','") }
      return close(bytes)
    }
    let start = position
    guard let end = Self.endOfValue(bytes[...], from: start) else {
      return .fault(start, "this element does not end before the end of the file")
    }
    guard end > start else { return .fault(start, "expected an element") }
    position = Self.skipSpace(bytes, from: end)
    guard position < bytes.count else { return .fault(position, "the array is not closed") }
    if bytes[position] == UInt8(ascii: ",") {
      position += 1
    } else if bytes[position] == UInt8(ascii: "]") {
      if case .fault(let at, let reason) = close(bytes) { return .fault(at, reason) }
    } else {
      return .fault(position, "expected ',' or ']' after an element")
    }
    return .record(start..<end)
  }

  private mutating func close(_ bytes: UnsafeRawBufferPointer) -> Step {
    let rest = Self.skipSpace(bytes, from: position + 1)
    guard rest == bytes.count else { return .fault(rest, "text after the end of the array") }
    position = bytes.count + 1
    return .end
  }
}

extension RecordScanner {
  /// Index after a UTF-8 byte order mark and white space.
  static func firstByte(_ bytes: UnsafeRawBufferPointer) -> Int {
    skipSpace(bytes, from: bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0)
  }

  static func skipSpace(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
    var index = start
    while index < bytes.count {
      switch bytes[index] {
      case 0x20, 0x09, 0x0A, 0x0D: index += 1
      default: return index
      }
    }
    return index
  }

  /// Index after the value that starts at `start`; nil where it does not end. Kinds of brackets are
  /// not told apart: the parser does that.
  private static func endOfValue(
    _ bytes: Slice<UnsafeRawBufferPointer>, from start: Int
  ) -> Int? {
    var depth = 0
    var index = start
    var inString = false
    while index < bytes.endIndex {
      let byte = bytes[index]
      index += 1
      if inString {
        if byte == UInt8(ascii: "\\") { index += 1 }
        if byte == UInt8(ascii: "\"") {
          inString = false
          if depth == 0 { return index }
        }
        continue
      }
      switch byte {
      case UInt8(ascii: "\""): inString = true
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        if depth == 0 { return index - 1 }
        depth -= 1
        if depth == 0 { return index }
      case UInt8(ascii: ","), 0x20, 0x09, 0x0A, 0x0D:
        if depth == 0 { return index - 1 }
      default: break
      }
    }
    return nil
  }
}
