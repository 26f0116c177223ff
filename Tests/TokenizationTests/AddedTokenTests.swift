import Foundation
import JSONText
import Kernels
import Testing
import Tokenization

/// Added tokens in a text: leftmost first, of several at one place the longest.
struct AddedTokenTests {
  private struct Added {
    var text: String
    var isSpecial: Bool
  }

  private static let firstID = 5000

  /// The byte-level tokenizer of the goldens with more added tokens.
  private func tokenizer(_ added: [Added]) throws -> Tokenizer {
    var members = try #require(try JSONValue(parsing: Fixture.bytes("tiny-smollm.json")).members)
    let index = try #require(members.firstIndex { $0.key == "added_tokens" })
    let known = try #require(members[index].value.array)
    members[index].value = .array(
      known
        + added.enumerated().map { id, token in
          [
            "id": .integer(Self.firstID + id), "content": .string(token.text),
            "special": .bool(token.isSpecial),
          ]
        })
    let path = NSTemporaryDirectory() + "peqa-added-\(UUID().uuidString).json"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try JSONValue.object(members).text().write(toFile: path, atomically: true, encoding: .utf8)
    return try Tokenizer.load(from: path)
  }

  /// The rule, place by place: of equal texts the first counts.
  private func expected(
    _ text: String, _ added: [Added], parseSpecial: Bool, _ tokenizer: Tokenizer
  ) -> [Int32] {
    var firsts: [Added] = []
    for token in added where !firsts.contains(where: { $0.text == token.text }) {
      firsts.append(token)
    }
    var (ids, plain, rest): ([Int32], String, Substring) = ([], "", text[...])
    func flush() {
      ids += tokenizer.encode(plain, addSpecial: false, parseSpecial: false)
      plain = ""
    }
    while let first = rest.first {
      let found = firsts.filter { (parseSpecial || !$0.isSpecial) && rest.hasPrefix($0.text) }
        .max { $0.text.count < $1.text.count }
      if let found, let id = added.firstIndex(where: { $0.text == found.text }) {
        flush()
        ids.append(Int32(Self.firstID + id))
        rest = rest.dropFirst(found.text.count)
      } else {
        plain.append(first)
        rest = rest.dropFirst()
      }
    }
    flush()
    return ids
  }

  /// Tokens that overlap, contain and repeat one another, in texts of the same few letters.
  @Test func randomTokens() throws {
    var generator = SplitMix64(seed: 11)
    func word(_ length: ClosedRange<Int>) -> String {
      String(
        (0..<Int.random(in: length, using: &generator)).map { _ in
          Character(["a", "b", "c"].randomElement(using: &generator) ?? "a")
        })
    }
    for _ in 0..<20 {
      let added = (0..<12).map { _ in
        Added(text: word(1...5), isSpecial: Bool.random(using: &generator))
      }
      let tokenizer = try tokenizer(added)
      for _ in 0..<30 {
        let text = word(0...40)
        for parseSpecial in [false, true] {
          let ids = tokenizer.encode(text, addSpecial: false, parseSpecial: parseSpecial)
          let oracle = expected(text, added, parseSpecial: parseSpecial, tokenizer)
          #expect(ids == oracle, "\(text) \(added)")
        }
      }
    }
  }

  /// 1500 tokens a...ab in 200 kB of a: trying every length at every place takes minutes.
  @Test(.timeLimit(.minutes(1)))
  func manyLengths() throws {
    let added = (1...1500).map { count in
      Added(text: String(repeating: "a", count: count) + "b", isSpecial: false)
    }
    let tokenizer = try tokenizer(added)
    let text = String(repeating: "a", count: 200_000) + "b"
    let ids = tokenizer.encode(text, addSpecial: false, parseSpecial: true)
    #expect(ids.last == Int32(Self.firstID + 1499))
    #expect(tokenizer.decode(ids, skipSpecial: false) == text)
  }
}
