import JSONText
import Testing

@Suite struct JSONValueTests {
  /// One letter with an accent, composed and decomposed: Swift calls the strings equal.
  static let composed = "\u{e9}"
  static let decomposed = "e\u{301}"

  @Test func keysCompareByBytes() throws {
    let text = #"{"\#(Self.composed)": 1, "\#(Self.decomposed)": 2, "\u00e9": 3}"#
    let value = try JSONValue(parsing: text)
    #expect(Self.composed == Self.decomposed)
    #expect(value[Self.composed] == 1)
    #expect(value[Self.decomposed] == 2)
    #expect(value.members?.count == 3)
    #expect(
      value.members?.map { Array($0.key.utf8) } == [
        [0xC3, 0xA9], [0x65, 0xCC, 0x81], [0xC3, 0xA9],
      ])
  }

  @Test func equalityIsByBytes() {
    #expect(JSONValue.string(Self.composed) != .string(Self.decomposed))
    #expect(JSONValue.string(Self.composed) == .string("\u{e9}"))
    #expect(([.string(Self.composed)] as JSONValue) != [.string(Self.decomposed)])
    func object(_ key: String, _ value: JSONValue) -> JSONValue {
      .object([JSONValue.Member(key: key, value: value)])
    }
    #expect(object(Self.composed, 1) != object(Self.decomposed, 1))
    #expect(object("a", .string(Self.composed)) != object("a", .string(Self.decomposed)))
    #expect(object("a", 1) == object("a", 1))
    #expect(JSONValue.null != false && JSONValue.integer(0) != .bool(false))
    #expect(JSONValue.integer(1) != .real(1))
  }

  @Test func membersKeepOrderAndDuplicates() throws {
    let value = try JSONValue(parsing: #"{"b":1,"a":2,"b":3}"#)
    #expect(value.members?.map(\.key) == ["b", "a", "b"])
    #expect(value["b"] == 1)
    #expect(value["absent"] == nil)
  }

  @Test func numbers() {
    #expect(JSONValue.real(1000).int == 1000)
    #expect(JSONValue.real(0.5).int == nil)
    #expect(JSONValue.real(1e19).int == nil)
    #expect(JSONValue.real(-9.223372036854775808e18).int == .min)
    #expect(JSONValue.integer(3).double == 3)
    #expect(JSONValue.string("1").int == nil && JSONValue.bool(true).double == nil)
  }

  @Test func accessorsOfOtherKinds() {
    let values: [JSONValue] = [.null, true, 1, 1.5, "a", [1], ["k": 1]]
    #expect(
      values.map(\.kind) == [
        "null", "a boolean", "a number", "a number", "a string", "an array", "an object",
      ])
    #expect(values.map(\.isNull) == [true, false, false, false, false, false, false])
    #expect(values.map { $0.bool != nil } == [false, true, false, false, false, false, false])
    #expect(values.map { $0.string != nil } == [false, false, false, false, true, false, false])
    #expect(values.map { $0[0] != nil } == [false, false, false, false, false, true, false])
    #expect(values.map { $0["k"] != nil } == [false, false, false, false, false, false, true])
    #expect(values[5][1] == nil && values[5][-1] == nil)
  }
}

@Suite struct JSONWriterTests {
  @Test(
    arguments: [
      (.null, "null"), (true, "true"), (-5, "-5"), (.integer(.min), "-9223372036854775808"),
      (1.0, "1.0"), (0.1, "0.1"), (.real(-0.0), "-0.0"), (1e100, "1e+100"),
      (.real(.leastNonzeroMagnitude), "5e-324"),
      (.real(.nan), "null"), (.real(-.infinity), "null"),
      ("", "\"\""), ("a\"\\/\n\r\t", #""a\"\\/\n\r\t""#),
      ("\0\u{1F}\u{7F}", #""\u0000\u001f\u007f""#),
      ("é\u{2028}🌍", "\"é\u{2028}🌍\""),
      ([], "[]"), ([:], "{}"), ([1, [2], ["a": nil]], #"[1,[2],{"a":null}]"#),
    ] as [(JSONValue, String)])
  func text(value: JSONValue, text: String) {
    #expect(value.text() == text)
  }

  @Test func indented() {
    let value: JSONValue = ["a": [1, 2], "b": [:], "c": []]
    #expect(
      value.text(indent: 2) == """
        {
          "a": [
            1,
            2
          ],
          "b": {},
          "c": []
        }
        """)
  }

  @Test(arguments: JSONParserTests.valid.map(\.1)) func roundTrip(value: JSONValue) throws {
    #expect(try JSONValue(parsing: value.text()) == value)
    #expect(try JSONValue(parsing: value.text(indent: 2)) == value)
  }

  @Test func randomRealsRoundTripToTheBit() throws {
    var state: UInt64 = 1
    for _ in 0..<20_000 {
      // Knuth's MMIX generator; its upper bits are good enough to reach all exponents.
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let real = Double(bitPattern: state)
      guard real.isFinite else { continue }
      guard case .real(let parsed) = try JSONValue(parsing: JSONValue.real(real).text()) else {
        Issue.record("\(real) did not come back as a real")
        return
      }
      guard parsed.bitPattern == real.bitPattern else {
        Issue.record("\(real) came back as \(parsed)")
        return
      }
    }
  }
}
