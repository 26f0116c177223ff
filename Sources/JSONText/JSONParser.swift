/// Where and why a text is not JSON.
package struct JSONSyntaxError: Error, Equatable, CustomStringConvertible {
  package var message: String
  /// Byte offset in the text.
  package var offset: Int
  /// Line and byte column, both counted from 1.
  package var line: Int
  package var column: Int
  /// The text may be JSON, but has more values than the reader allows.
  package var exceedsLimit = false

  package var description: String { "line \(line), column \(column): \(message)" }
}

extension JSONValue {
  /// Parses one JSON document (RFC 8259) that fills all of `bytes`, apart from white space.
  ///
  /// Strict: invalid UTF-8, lone surrogates, duplicate-prone extensions (comments, NaN, trailing
  /// commas) and nesting deeper than `maximumDepth` are errors. A UTF-8 byte order mark is skipped.
  ///
  /// - Parameter maximumValues: limit on values of all kinds together. One takes up to 48 bytes,
  ///   and growing arrays twice that, while its text may have two bytes (`0,`): texts of unknown
  ///   origin need a limit.
  package init(
    parsing bytes: UnsafeRawBufferPointer, maximumDepth: Int = 128, maximumValues: Int = .max
  ) throws(JSONSyntaxError) {
    var parser = JSONParser(
      bytes: bytes, maximumDepth: maximumDepth, maximumValues: maximumValues)
    self = try parser.document()
  }

  package init(
    parsing bytes: [UInt8], maximumDepth: Int = 128, maximumValues: Int = .max
  ) throws(JSONSyntaxError) {
    let result = bytes.withUnsafeBytes { buffer in
      Result { () throws(JSONSyntaxError) in
        try JSONValue(parsing: buffer, maximumDepth: maximumDepth, maximumValues: maximumValues)
      }
    }
    self = try result.get()
  }

  package init(parsing text: String) throws(JSONSyntaxError) {
    self = try JSONValue(parsing: Array(text.utf8))
  }
}

/// A recursive-descent parser over bytes; every index is checked against the end.
private struct JSONParser {
  let bytes: UnsafeRawBufferPointer
  let maximumDepth: Int
  let maximumValues: Int
  var position = 0
  private var values = 0

  init(bytes: UnsafeRawBufferPointer, maximumDepth: Int, maximumValues: Int) {
    self.bytes = bytes
    self.maximumDepth = maximumDepth
    self.maximumValues = maximumValues
    if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { position = 3 }
  }

  mutating func document() throws(JSONSyntaxError) -> JSONValue {
    let value = try value(depth: 0)
    skipSpace()
    guard position == bytes.count else { throw error("text after the end of the document") }
    return value
  }

  func error(_ message: String, at offset: Int? = nil) -> JSONSyntaxError {
    let offset = min(offset ?? position, bytes.count)
    let before = bytes[..<offset]
    let line = before.count { $0 == UInt8(ascii: "\n") } + 1
    let start = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    return JSONSyntaxError(message: message, offset: offset, line: line, column: offset - start + 1)
  }

  mutating func skipSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      default: return
      }
    }
  }

  func peek() throws(JSONSyntaxError) -> UInt8 {
    guard position < bytes.count else { throw error("unexpected end of the text") }
    return bytes[position]
  }

  mutating func value(depth: Int) throws(JSONSyntaxError) -> JSONValue {
    guard depth <= maximumDepth else { throw error("nested deeper than \(maximumDepth)") }
    values += 1
    guard values <= maximumValues else {
      var error = error("more than \(maximumValues) values")
      error.exceedsLimit = true
      throw error
    }
    skipSpace()
    switch try peek() {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    default: return try number()
    }
  }

  mutating func literal(
    _ text: StaticString, _ value: JSONValue
  ) throws(JSONSyntaxError) -> JSONValue {
    let count = text.utf8CodeUnitCount
    let matches =
      position + count <= bytes.count
      && (0..<count).allSatisfy { bytes[position + $0] == text.utf8Start[$0] }
    guard matches else { throw error("not a JSON value") }
    position += count
    return value
  }

  mutating func object(depth: Int) throws(JSONSyntaxError) -> JSONValue {
    position += 1
    var members: [JSONValue.Member] = []
    skipSpace()
    if try peek() == UInt8(ascii: "}") {
      position += 1
      return .object(members)
    }
    while true {
      skipSpace()
      guard try peek() == UInt8(ascii: "\"") else { throw error("expected a quoted key") }
      let key = try string()
      skipSpace()
      guard try peek() == UInt8(ascii: ":") else { throw error("expected ':' after a key") }
      position += 1
      members.append(JSONValue.Member(key: key, value: try value(depth: depth + 1)))
      if try endOfList(UInt8(ascii: "}")) { return .object(members) }
    }
  }

  mutating func array(depth: Int) throws(JSONSyntaxError) -> JSONValue {
    position += 1
    var elements: [JSONValue] = []
    skipSpace()
    if try peek() == UInt8(ascii: "]") {
      position += 1
      return .array(elements)
    }
    while true {
      elements.append(try value(depth: depth + 1))
      if try endOfList(UInt8(ascii: "]")) { return .array(elements) }
    }
  }

  /// Steps over `,` (false) or the closing bracket (true).
  mutating func endOfList(_ closing: UInt8) throws(JSONSyntaxError) -> Bool {
    skipSpace()
    let byte = try peek()
    guard byte == closing || byte == UInt8(ascii: ",") else {
      throw error("expected ',' or '\(Character(UnicodeScalar(closing)))'")
    }
    position += 1
    return byte == closing
  }

  mutating func number() throws(JSONSyntaxError) -> JSONValue {
    let start = position
    func digit(_ at: Int) -> Bool { at < bytes.count && bytes[at] >= 0x30 && bytes[at] <= 0x39 }
    if position < bytes.count, bytes[position] == UInt8(ascii: "-") { position += 1 }
    guard digit(position) else { throw error("not a JSON value", at: start) }
    if bytes[position] == 0x30, digit(position + 1) { throw error("a number starts with 0") }
    while digit(position) { position += 1 }
    var whole = true
    if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
      whole = false
      position += 1
      guard digit(position) else { throw error("a digit must follow '.'") }
      while digit(position) { position += 1 }
    }
    if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
      whole = false
      position += 1
      if position < bytes.count,
        bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-")
      {
        position += 1
      }
      guard digit(position) else { throw error("a digit must follow the exponent") }
      while digit(position) { position += 1 }
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if whole, let int = Int(text) { return .integer(int) }
    guard let real = Double(text), real.isFinite else {
      throw error("number out of range", at: start)
    }
    return .real(real)
  }

  mutating func string() throws(JSONSyntaxError) -> String {
    let start = position
    position += 1
    let run = position
    while position < bytes.count, bytes[position] != UInt8(ascii: "\""),
      bytes[position] != UInt8(ascii: "\\"), bytes[position] >= 0x20
    {
      position += 1
    }
    if position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
      position += 1
      return try decode(bytes[run..<(position - 1)], from: start)
    }
    return try escapedString(start: start, run: run)
  }

  /// The rare case: a string with at least one escape (or a fault).
  mutating func escapedString(start: Int, run: Int) throws(JSONSyntaxError) -> String {
    var text = Array(bytes[run..<position])
    while true {
      guard position < bytes.count else { throw error("unterminated string", at: start) }
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        return try decode(text, from: start)
      case UInt8(ascii: "\\"):
        try escape(into: &text)
      case 0..<0x20: throw error("control character in a string", at: position - 1)
      default: text.append(byte)
      }
    }
  }

  mutating func escape(into text: inout [UInt8]) throws(JSONSyntaxError) {
    let kind = try peek()
    position += 1
    switch kind {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(kind)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      let scalar = try escapedScalar()
      text.append(contentsOf: String(Character(scalar)).utf8)
    default: throw error("unknown escape in a string", at: position - 1)
    }
  }

  mutating func escapedScalar() throws(JSONSyntaxError) -> UnicodeScalar {
    let first = try hexadecimal()
    if let scalar = UnicodeScalar(first) { return scalar }
    guard first < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
      bytes[position + 1] == UInt8(ascii: "u")
    else { throw error("lone surrogate in a string") }
    position += 2
    let second = try hexadecimal()
    guard (0xDC00..<0xE000).contains(second),
      let scalar = UnicodeScalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
    else { throw error("lone surrogate in a string") }
    return scalar
  }

  mutating func hexadecimal() throws(JSONSyntaxError) -> UInt32 {
    guard position + 4 <= bytes.count else { throw error("unexpected end of the text") }
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = Character(UnicodeScalar(bytes[position])).hexDigitValue,
        bytes[position] < 0x80
      else { throw error("expected four hexadecimal digits") }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }

  func decode(
    _ slice: some Collection<UInt8>, from start: Int
  ) throws(JSONSyntaxError) -> String {
    guard let string = String(validating: slice, as: UTF8.self) else {
      throw error("string is not valid UTF-8", at: start)
    }
    return string
  }
}
