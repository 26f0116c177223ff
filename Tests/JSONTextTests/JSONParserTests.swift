import JSONText
import Testing

/// The grammar of RFC 8259, rule by rule.
@Suite struct JSONParserTests {
  static let valid: [(String, JSONValue)] = [
    ("null", .null), ("true", true), ("false", false), (" \t\r\n1 \n", 1),
    ("0", 0), ("-0", 0), ("-1", -1), ("9223372036854775807", .integer(.max)),
    ("-9223372036854775808", .integer(.min)),
    // Whole numbers that do not fit become reals.
    ("9223372036854775808", .real(0x1p63)),
    ("18446744073709551615", .real(0x1p64)),
    ("0.5", 0.5), ("-0.0", .real(-0.0)), ("1e3", 1000.0), ("1E+2", 100.0), ("25e-2", 0.25),
    ("1.5e0", 1.5), ("1e-400", 0.0), ("5e-324", .real(.leastNonzeroMagnitude)),
    ("1.7976931348623157e308", .real(.greatestFiniteMagnitude)),
    ("0.1", 0.1), ("3.141592653589793", 3.141592653589793),
    ("\"\"", ""), ("\"a\"", "a"), ("\"\u{7F}\u{2028}\"", "\u{7F}\u{2028}"),
    (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"),
    (#""\u0041\u00e9\u00E9\u20ac""#, "A\u{e9}\u{e9}\u{20ac}"), (#""\u0000x""#, "\0x"),
    (#""\ud83c\udf0d""#, "\u{1F30D}"), (#""\uDBFF\uDFFF""#, "\u{10FFFF}"),
    (#""\uD7FF\uE000\uFFFF""#, "\u{D7FF}\u{E000}\u{FFFF}"),
    ("\"Grüße 🌍\"", "Grüße 🌍"),
    ("[]", []), ("[ ]", []), ("[1,2]", [1, 2]), ("[[],[[]]]", [[], [[]]]),
    ("{}", [:]), ("{ }", [:]), (#"{"a":1,"b":[null]}"#, ["a": 1, "b": [nil]]),
    (#"{ "" : { "x" : "" } }"#, ["": ["x": ""]]),
    ("\u{FEFF}[1]", [1]),
  ]

  @Test(arguments: valid) func accepts(text: String, value: JSONValue) throws {
    #expect(try JSONValue(parsing: text) == value)
  }

  @Test(
    arguments: [
      "", " ", "\u{FEFF}", "nul", "nulll", "True", "NaN", "Infinity", "-Infinity", "undefined",
      "01", "-01", "00", "-", "+1", ".5", "1.", "1.e1", "1e", "1e+", "1E-", "0x10", "1_000", "--1",
      "1.2.3", "1e1.5", "1 2", "1,", ",",
      "1e400", "-1e400",
      "'a'", "\"", "\"a", "\"\\", "\"\\\"", #""\x""#, #""\U0041""#, #""\u""#, #""\u12""#,
      #""\u12G4""#, #""\u-123""#, #""\u 123""#, "\"\\u\u{FF11}234\"", "\"\n\"", "\"\t\"",
      "\"\u{0}\"", "\"\u{1F}\"",
      #""\ud83c""#, #""\ud83cx""#, #""\ud83c\n""#, #""\ud83c\u0041""#, #""\ud83c\ud83c""#,
      #""\udf0d""#, #""\udf0d\ud83c""#, #""\ud83c\u""#,
      "[", "]", "[1", "[1,", "[1,]", "[,1]", "[1,,2]", "[1 2]", "[1}", "[1]]", "[\"a\":1]",
      "{", "}", #"{"a""#, #"{"a":"#, #"{"a":1"#, #"{"a":1,"#, #"{"a":1,}"#, #"{"a" 1}"#,
      #"{"a",1}"#, "{a:1}", "{1:1}", "{null:1}", #"{"a":1]"#, #"{"a":1 "b":2}"#, #"{"a":1}}"#,
      #"{,"a":1}"#, #"{"a"::1}"#, "// x\n1", "/* x */ 1", "1 # x", "[1]\0", "\0", "\u{A0}1",
      "1\u{C}", "\u{FEFF}\u{FEFF}1", "#", "[*]",
    ])
  func refuses(text: String) {
    #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: text) }
  }

  /// RFC 3629: overlong forms, surrogates, beyond U+10FFFF, stray and missing continuations.
  @Test(
    arguments: [
      [0x80], [0xC3], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x80, 0x80], [0xE2, 0x82],
      [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF4, 0x90, 0x80, 0x80],
      [0xF5, 0x80, 0x80, 0x80], [0xFE], [0xFF],
    ] as [[UInt8]])
  func refusesInvalidUTF8(bytes: [UInt8]) {
    let quote = [UInt8(ascii: "\"")]
    let escape = Array(#"\n"#.utf8)
    for text in [quote + bytes + quote, quote + escape + bytes + quote, bytes] {
      #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: text) }
    }
    let key = Array("{".utf8) + quote + bytes + quote + Array(":1}".utf8)
    #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: key) }
  }

  @Test(arguments: [0, 1, 2, 128]) func depth(limit: Int) throws {
    func nested(_ depth: Int) -> [UInt8] {
      Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
    }
    func objects(_ depth: Int) -> [UInt8] {
      let open = String(repeating: #"{"a":"#, count: depth)
      return Array((open + "1" + String(repeating: "}", count: depth)).utf8)
    }
    // `limit` brackets around a value, or limit + 1 with nothing inside.
    _ = try JSONValue(parsing: nested(limit + 1), maximumDepth: limit)
    _ = try JSONValue(parsing: objects(limit), maximumDepth: limit)
    for text in [nested(limit + 2), objects(limit + 1), nested(100_000), objects(100_000)] {
      let error = #expect(throws: JSONSyntaxError.self) {
        try JSONValue(parsing: text, maximumDepth: limit)
      }
      #expect(error?.message == "nested deeper than \(limit)")
    }
  }

  @Test(
    arguments: [
      ("", 0, 1, 1), ("x", 0, 1, 1), ("[1,\n 2,\n  x]", 10, 3, 3), ("[1,\r\n2 3]", 7, 2, 3),
      ("{\"ä\": x}", 7, 1, 8), ("\n\n", 2, 3, 1), ("[\"a\nb\"]", 3, 1, 4), ("[1]\n]", 4, 2, 1),
      ("[\n\"abc", 2, 2, 1), ("[01]", 1, 1, 2), ("[1e999]", 1, 1, 2), (#"["\q"]"#, 3, 1, 4),
    ])
  func place(text: String, offset: Int, line: Int, column: Int) {
    let error = #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: text) }
    #expect(error?.offset == offset)
    #expect(error?.line == line)
    #expect(error?.column == column)
    #expect(error?.description.hasPrefix("line \(line), column \(column): ") == true)
  }

  @Test func longTexts() throws {
    let long = String(repeating: "é\\n", count: 100_000)
    let value = try JSONValue(parsing: "\"\(long)\"")
    #expect(value == .string(String(repeating: "é\n", count: 100_000)))
    let list = "[" + String(repeating: "1,", count: 100_000) + "1]"
    #expect(try JSONValue(parsing: list).array?.count == 100_001)
    // Digits beyond a Double's precision still count.
    let digits = String(repeating: "1", count: 300)
    #expect(try JSONValue(parsing: digits).double == Double(digits))
  }

  /// Values of all kinds and depths count, members by their value.
  @Test func valuesAreLimited() throws {
    let text = #"[1, "a", {"b": null, "c": [true]}]"#
    _ = try JSONValue(parsing: Array(text.utf8), maximumValues: 7)
    let error = #expect(throws: JSONSyntaxError.self) {
      try JSONValue(parsing: Array(text.utf8), maximumValues: 6)
    }
    #expect(error?.message == "more than 6 values" && error?.exceedsLimit == true)
    #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: Array("[".utf8)) }
  }
}
