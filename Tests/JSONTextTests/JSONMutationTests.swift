import Foundation
import JSONText
import Testing

/// Mutated documents: never a crash, and the verdict of Foundation's parser, an independent one.
@Suite struct JSONMutationTests {
  static let seeds = [
    #"{"a":[1,-2.5e+3,true,false,null],"b":{"c":"d\n\u00e9\ud83c\udf0d","":[]},"é":"Grüße 🌍"}"#,
    #"[{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}, 12345678901234567890, 0.1e-7, ""]"#,
    "{\n  \"x\" : [ [ ], { } , \"\\\\\\\"\\/\" ],\n\t\"y\": -0\r\n}",
  ]
  static let pieces = [
    "\"", "\\", "\\u", "\\ud800", "{", "}", "[", "]", ",", ":", "0", "-", ".", "e", "1e99", "\n",
    " ", "null", "\u{1}", "é",
  ].map { Array($0.utf8) }

  @Test func mutations() {
    var random = XorShift(state: 42)
    var accepted = 0
    let rounds = ProcessInfo.processInfo.environment["PEQA_FUZZ"].flatMap { Int($0) } ?? 20_000
    for round in 0..<rounds {
      let text = Self.mutate(Array(Self.seeds[round % Self.seeds.count].utf8), &random)
      let value = try? JSONValue(parsing: text)
      if let value {
        accepted += 1
        guard (try? JSONValue(parsing: value.text(indent: 1))) == value else {
          Issue.record("no round trip: \(String(decoding: text, as: UTF8.self))")
          return
        }
      }
      if (value != nil) != Self.foundationAccepts(text), !Self.hasTrailingComma(text) {
        let shown = String(decoding: text, as: UTF8.self).debugDescription
        Issue.record("\(value == nil ? "refused" : "accepted"): \(shown)")
      }
    }
    #expect(accepted > rounds / 50 && accepted < rounds / 2)
  }

  private static func foundationAccepts(_ text: [UInt8]) -> Bool {
    (try? JSONSerialization.jsonObject(with: Data(text), options: .fragmentsAllowed)) != nil
  }

  /// `[1,]` is no JSON (RFC 8259, section 5), but Foundation takes it.
  private static func hasTrailingComma(_ text: [UInt8]) -> Bool {
    let solid = text.filter { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
    return zip(solid, solid.dropFirst()).contains {
      $0 == UInt8(ascii: ",") && ($1 == UInt8(ascii: "]") || $1 == UInt8(ascii: "}"))
    }
  }

  private static func mutate(_ text: [UInt8], _ random: inout XorShift) -> [UInt8] {
    var text = text
    for _ in 0..<Int.random(in: 1...3, using: &random) where !text.isEmpty {
      let place = Int.random(in: 0..<text.count, using: &random)
      switch Int.random(in: 0..<5, using: &random) {
      case 0: text[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 1: text.remove(at: place)
      case 2: text.insert(contentsOf: pieces.randomElement(using: &random)!, at: place)
      case 3: text.removeLast(Int.random(in: 0...text.count / 4, using: &random))
      default: text.swapAt(place, Int.random(in: 0..<text.count, using: &random))
      }
    }
    return text
  }
}

/// xorshift64* (Vigna 2016).
struct XorShift: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return state &* 0x2545_F491_4F6C_DD1D
  }
}
