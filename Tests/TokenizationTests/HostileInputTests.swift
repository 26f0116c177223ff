import Foundation
import JSONText
import Kernels
import TestSupport
import Testing
import Tokenization

/// Broken files give one typed error, or a tokenizer that works; never a crash or a hang.
struct HostileInputTests {
  private let folder = NSTemporaryDirectory() + "peqa-hostile-\(UUID().uuidString)"

  private func withFile(_ name: String, _ body: (String) throws -> Void) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder + "/" + name)
  }

  private func write(_ bytes: [UInt8], _ path: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }

  @Test(
    .timeLimit(.minutes(10)),
    arguments: [
      ("tiny-smollm.json", 1), ("tiny-llama3.json", 2), ("tiny-llama2.json", 3),
      ("tiny-metaspace.json", 4),
      ("tiny-bpe.model", 5), ("tiny-bpe-symbols.model", 6),
    ])
  func mutatedFiles(name: String, seed: UInt64) throws {
    let original = try Fixture.bytes(name)
    var generator = SplitMix64(seed: seed)
    var (loaded, refused) = (0, 0)
    try withFile(name) { path in
      for _ in 0..<120 {
        try write(original.mutated(&generator), path)
        do {
          let tokenizer = try Tokenizer.load(from: path)
          let ids = tokenizer.encode(
            "The quick <s>🦙  fox's 12\n", addSpecial: true, parseSpecial: true)
          #expect(ids.allSatisfy { $0 >= 0 && $0 < tokenizer.vocabularySize })
          _ = tokenizer.decode(ids, skipSpecial: true)
          loaded += 1
        } catch let error as TokenizationError {
          #expect(error.exitCode == 65)
          refused += 1
        }
      }
    }
    // Most faults break a merge's vocabulary entry, so that few files still load.
    #expect(refused > 0 && loaded + refused == 120)
  }

  /// What a tokenizer.json asks for and this program does not do is refused by name.
  @Test(arguments: [
    (#"{"type": "Unigram"}"#, "model", "Unigram"),
    (#"{"type": "WordPiece", "vocab": {}}"#, "model", "WordPiece"),
    (#"{"type": "Whitespace"}"#, "pre_tokenizer", "Whitespace"),
    (
      #"{"type": "Split", "pattern": {"Regex": "\\w+"}, "behavior": "Isolated"}"#, "pre_tokenizer",
      #"\w+"#
    ),
    (#"{"type": "Lowercase"}"#, "normalizer", "Lowercase"),
    (#"{"type": "BertProcessing"}"#, "post_processor", "BertProcessing"),
    (#"{"type": "WordPiece"}"#, "decoder", "WordPiece"),
    (#"[{"id": -1, "content": "x"}]"#, "added_tokens", "token id"),
    (#"[{"id": 2000000000, "content": "x"}]"#, "added_tokens", "token ids"),
    (#"{"type": "BPE", "vocab": {"a": 0}, "merges": ["a b"]}"#, "model", "merge 0"),
    (#"{"type": "BPE", "vocab": {"a": 0}, "merges": ["a"]}"#, "model", "merge 0"),
    (#"{"type": "BPE", "vocab": {"a": -5}, "merges": []}"#, "model", "id"),
    (#"{"type": "BPE", "vocab": {"a": 0}, "merges": [], "dropout": 0.1}"#, "model", "dropout"),
    (
      #"{"type": "BPE", "vocab": {"a": 0}, "merges": [], "end_of_word_suffix": "</w>"}"#, "model",
      "</w>"
    ),
    ("null", "model", "model"),
    // A few steps that make a text, or a token while loading, longer than any memory.
    (sequence("normalizers", 30, replace("a", "aaaaaaaaaa")), "normalizer", "steps"),
    (sequence("decoders", 30, replace("a", "aaaaaaaaaa")), "decoder", "steps"),
    (sequence("normalizers", 4, replace("a", "aaaaaaaaaa")), "normalizer", "64 times as long"),
    (sequence("decoders", 4, replace("a", "aaaaaaaaaa")), "decoder", "64 times as long"),
    (replace("a", String(repeating: "a", count: 300)), "normalizer", "300 bytes"),
    (replace(String(repeating: "a", count: 300), "a"), "decoder", "300 bytes"),
    (sequence("normalizers", 17, #"{"type": "NFC"}"#), "normalizer", "steps"),
    (
      sequence(
        "normalizers", 12,
        #"{"type": "Prepend", "prepend": "\#(String(repeating: "x", count: 200))"}"#),
      "normalizer", "times as long"
    ),
    (
      #"{"type": "Metaspace", "replacement": "\#(String(repeating: "_", count: 33))"}"#,
      "pre_tokenizer", "times as long"
    ),
    (
      #"{"type": "Split", "behavior": "Isolated", "pattern": {"String": "\#(String(repeating: "a", count: 300))"}}"#,
      "pre_tokenizer", "300 bytes"
    ),
    (
      #"{"type": "TemplateProcessing", "single": [{"Sequence": {}}, {"SpecialToken": {"id": "x"}}], "special_tokens": {"x": {"ids": [\#(Array(repeating: "0", count: 65).joined(separator: ", "))]}}}"#,
      "post_processor", "64 tokens"
    ),
  ])
  func refusals(part: String, key: String, word: String) throws {
    var root = try JSONValue(parsing: Fixture.bytes("tiny-smollm.json"))
    var members = try #require(root.members)
    let index = try #require(members.firstIndex { $0.key == key })
    members[index].value = try JSONValue(parsing: part)
    root = .object(members)
    try withFile("tokenizer.json") { path in
      try write(Array(root.text().utf8), path)
      do {
        _ = try Tokenizer.load(from: path)
        Issue.record("was accepted")
      } catch let error as TokenizationError {
        #expect(error.description.contains(word), "\(error)")
        #expect(error.description.contains(path))
      }
    }
  }

  private static func replace(_ old: String, _ new: String) -> String {
    #"{"type": "Replace", "pattern": {"String": "\#(old)"}, "content": "\#(new)"}"#
  }

  private static func sequence(_ key: String, _ count: Int, _ step: String) -> String {
    let steps = Array(repeating: step, count: count).joined(separator: ", ")
    return #"{"type": "Sequence", "\#(key)": [\#(steps)]}"#
  }

  @Test func unigramModelsAreRefused() throws {
    #expect {
      try Tokenizer.load(from: Fixture.folder + "tiny-unigram.model")
    } throws: { "\($0)".contains("unigram") && ($0 as? TokenizationError)?.exitCode == 65 }
  }

  @Test(arguments: [
    [], [0x0A], [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [0xFF],
    [0x0A, 0x02, 0x0A, 0x7F],
  ])
  func brokenSentencePieceFiles(bytes: [UInt8]) throws {
    try withFile("tokenizer.model") { path in
      try write(bytes, path)
      #expect(throws: TokenizationError.self) { try Tokenizer.load(from: path) }
    }
  }
}
