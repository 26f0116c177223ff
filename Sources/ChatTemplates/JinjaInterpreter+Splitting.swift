/// Searching, splitting and replacing in texts; time is linear, and parts are charged one by one.
extension JinjaInterpreter {
  /// A text to look for; the search itself is charged with the text that is searched.
  mutating func pattern(_ text: String) throws(ChatTemplateError) -> BytePattern {
    try charge(1 + BytePattern.overhead, times: text.utf8.count)
    return BytePattern(text.bytes)
  }

  /// Python's `split` and `rsplit`.
  mutating func split(
    _ text: String, _ fromRight: Bool, _ separator: JinjaValue?, _ limit: JinjaValue?
  ) throws(ChatTemplateError) -> JinjaValue {
    let limit = limit?.wholeNumber ?? -1
    let most = limit < 0 ? Int.max : limit
    switch separator {
    case .string(let separator):
      guard !separator.isEmpty else { throw error("split with an empty separator") }
      return .list(
        try fromRight && most < .max
          ? lastParts(of: text, separatedBy: separator, limit: most)
          : parts(of: text.bytes, separatedBy: separator, limit: most).map { .string($0) })
    case nil, .some(.none):
      guard most == .max else { throw error("split at white space takes no limit here") }
      try charge(texts: text.wordCount, bytes: text.utf8.count)
      return .list(text.unicodeScalars.split { $0.isPythonSpace }.map { .string(String($0)) })
    default: throw error("split needs a text")
    }
  }

  /// The parts between at most `limit` separators, from the left.
  private mutating func parts(
    of text: [UInt8], separatedBy separator: String, limit: Int
  ) throws(ChatTemplateError) -> [String] {
    let pattern = try pattern(separator)
    var parts: [String] = []
    var start = 0
    while parts.count < limit, let index = pattern.firstIndex(in: text, from: start) {
      try charge(texts: 1, bytes: index - start)
      parts.append(String(decoding: text[start..<index], as: UTF8.self))
      start = index + pattern.bytes.count
    }
    try charge(texts: 1, bytes: text.count - start)
    parts.append(String(decoding: text[start...], as: UTF8.self))
    return parts
  }

  /// The same from the right: the reversed text is searched for the reversed separator.
  private mutating func lastParts(
    of text: String, separatedBy separator: String, limit: Int
  ) throws(ChatTemplateError) -> [JinjaValue] {
    let bytes = text.bytes
    let pattern = BytePattern(try pattern(separator).bytes.reversed())
    try charge(bytes.count)
    let reversed = Array(bytes.reversed())
    var parts: [JinjaValue] = []
    var (end, start) = (bytes.count, 0)
    while parts.count < limit, let index = pattern.firstIndex(in: reversed, from: start) {
      let split = bytes.count - index
      try charge(texts: 1, bytes: end - split)
      parts.append(.string(String(decoding: bytes[split..<end], as: UTF8.self)))
      end = split - pattern.bytes.count
      start = index + pattern.bytes.count
    }
    try charge(texts: 1, bytes: end)
    parts.append(.string(String(decoding: bytes[..<end], as: UTF8.self)))
    return parts.reversed()
  }

  /// Python's `splitlines`, for LF and CR LF.
  mutating func lines(of text: String) throws(ChatTemplateError) -> [String] {
    let count = text.utf8.count { $0 == 0x0A } + 1
    try charge(texts: count, bytes: text.utf8.count)
    return text.lines
  }

  /// Python's `replace`; every occurrence is charged before it is replaced.
  mutating func replace(
    _ old: String, with new: String, in text: String, limit: Int?
  ) throws(ChatTemplateError) -> JinjaValue {
    guard !old.isEmpty else { throw error("replacing an empty text is not supported") }
    let most = limit.map { $0 < 0 ? Int.max : $0 } ?? .max
    let (bytes, new, pattern) = (text.bytes, new.bytes, try pattern(old))
    var result: [UInt8] = []
    var (start, count) = (0, 0)
    while count < most, let index = pattern.firstIndex(in: bytes, from: start) {
      try charge(16 + index - start + new.count)
      result += bytes[start..<index]
      result += new
      start = index + pattern.bytes.count
      count += 1
    }
    try charge(bytes.count - start)
    result += bytes[start...]
    return .string(String(decoding: result, as: UTF8.self))
  }
}
