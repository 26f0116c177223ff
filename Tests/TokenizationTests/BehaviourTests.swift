import Checkpoints
import Foundation
import JSONText
import Kernels
import Testing
import Tokenization

/// What callers rely on beyond the ids of a text.
struct BehaviourTests {
  private func tiny(_ name: String) throws -> Tokenizer {
    try Tokenizer.load(from: Fixture.folder + "tiny-" + name)
  }

  @Test func specialTokens() throws {
    let tokenizer = try tiny("smollm.json")
    let end = try #require(tokenizer.specialID("<|im_end|>"))
    let text = "hi<|im_end|>"
    let parsed = tokenizer.encode(text, addSpecial: false, parseSpecial: true)
    let plain = tokenizer.encode(text, addSpecial: false, parseSpecial: false)
    #expect(parsed.last == end)
    #expect(!plain.contains(end))
    #expect(tokenizer.decode(plain, skipSpecial: true) == text)
    #expect(tokenizer.decode(parsed, skipSpecial: true) == "hi")
    #expect(tokenizer.decode(parsed, skipSpecial: false) == text)
    #expect(tokenizer.isSpecial(end) && !tokenizer.isSpecial(plain[0]))
    #expect(tokenizer.stopIDs.contains(end))
    #expect(tokenizer.specialID("hi") == nil)
    #expect(tokenizer.bytes(of: -1).isEmpty && tokenizer.bytes(of: .max).isEmpty)
  }

  @Test func bosComesFromTheTemplateOfTheFile() throws {
    let tokenizer = try tiny("llama3.json")
    #expect(tokenizer.bosID == tokenizer.specialID("<|begin_of_text|>"))
    #expect(tokenizer.addsBOS && !tokenizer.addsEOS)
    let ids = tokenizer.encode("a", addSpecial: true, parseSpecial: false)
    #expect(ids.first == tokenizer.bosID)
    #expect(Array(ids.dropFirst()) == tokenizer.encode("a", addSpecial: false, parseSpecial: false))
  }

  /// Pieces of a text encoded one after another give the ids of the whole.
  @Test(arguments: ["llama2.json", "metaspace.json", "bpe.model", "smollm.json"])
  func continuing(name: String) throws {
    let tokenizer = try tiny(name)
    let parts = ["The quick", " brown fox", " jumps\n", "over"]
    let ids = parts.enumerated().flatMap { index, part in
      tokenizer.encode(part, addSpecial: false, parseSpecial: false, continuing: index > 0)
    }
    #expect(ids == tokenizer.encode(parts.joined(), addSpecial: false, parseSpecial: false))
    #expect(tokenizer.decode(ids, skipSpecial: false) == parts.joined())
  }

  /// Streamed text is the decoded text, and every part given out is whole characters. (Metaspace
  /// takes a text's own leading space for the dummy one, so that text does not come back.)
  @Test(arguments: ["smollm.json", "llama3.json", "llama2.json", "metaspace.json", "bpe.model"])
  func streaming(name: String) throws {
    let tokenizer = try tiny(name)
    for text in ["  é🦙 你好\u{0301} x", "🚀👩‍👩‍👧‍👦", "", " ", "a\u{0}b\u{FFFD}c"] {
      let ids = tokenizer.encode(text, addSpecial: true, parseSpecial: false)
      var decoder = StreamingDecoder(tokenizer, skipSpecial: true)
      var streamed = ids.map { decoder.append($0) }
      streamed.append(decoder.finish())
      let decoded = tokenizer.decode(ids, skipSpecial: true)
      #expect(Array(streamed.joined().utf8) == Array(decoded.utf8))
      #expect(decoded == text || name == "metaspace.json")
      #expect(text.contains("\u{FFFD}") || !streamed.contains { $0.contains("\u{FFFD}") })
    }
  }

  /// Any ids at all, so any bytes at all: streaming and decoding agree on where U+FFFD goes.
  @Test func streamingOfBrokenText() throws {
    let tokenizer = try tiny("smollm.json")
    var generator = SplitMix64(seed: 7)
    for _ in 0..<500 {
      let ids = (0..<12).map { _ in Int32.random(in: 3..<259, using: &generator) }
      var decoder = StreamingDecoder(tokenizer, skipSpecial: false)
      var text = ids.map { decoder.append($0) }.joined()
      text += decoder.finish()
      #expect(Array(text.utf8) == Array(tokenizer.decode(ids, skipSpecial: false).utf8), "\(ids)")
    }
  }

  @Test func invalidBytesAreRepaired() throws {
    let tokenizer = try tiny("smollm.json")
    let broken = tokenizer.encode(
      bytes: [0x61, 0xFF, 0x62], addSpecial: false, parseSpecial: false)
    #expect(broken == tokenizer.encode("a\u{FFFD}b", addSpecial: false, parseSpecial: false))
  }

  @Test func fingerprints() throws {
    let one = try tiny("smollm.json").fingerprint
    #expect(one.count == 64)
    #expect(try tiny("smollm.json").fingerprint == one)
    #expect(try tiny("qwen2.json").fingerprint != one)
    #expect(try tiny("bpe.model").fingerprint != tiny("bpe-symbols.model").fingerprint)
  }

  /// The files that Hugging Face puts beside a tokenizer.
  @Test func folder() throws {
    let folder = NSTemporaryDirectory() + "peqa-tokenizer-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    #expect(throws: TokenizationError.self) { try Tokenizer.load(from: folder) }
    func write(_ name: String, _ text: String) throws {
      try text.write(toFile: folder + "/" + name, atomically: true, encoding: .utf8)
    }
    try FileManager.default.copyItem(
      atPath: Fixture.folder + "tiny-smollm.json", toPath: folder + "/tokenizer.json")
    try write(
      "tokenizer_config.json",
      #"{"eos_token": {"content": "<|im_end|>"}, "chat_template": [{"name": "x", "template": "X"},"#
        + #"{"name": "default", "template": "D{{ eos_token }}"}], "pad_token": "<|endoftext|>"}"#)
    try write("generation_config.json", #"{"eos_token_id": [0, 5]}"#)
    try write("config.json", #"{"bos_token_id": 1, "eos_token_id": 2}"#)
    let tokenizer = try Tokenizer.load(from: folder)
    #expect(tokenizer.eosID == 2 && tokenizer.paddingID == 0 && tokenizer.bosID == nil)
    #expect(tokenizer.stopIDs == [0, 2, 5])
    #expect(tokenizer.chatTemplateSource == "D{{ eos_token }}")
    try write("chat_template.jinja", "J")
    #expect(try Tokenizer.load(from: folder).chatTemplateSource == "J")
    try write("tokenizer_config.json", "{")
    #expect(throws: TokenizationError.self) { try Tokenizer.load(from: folder) }
  }

  /// GPT-2's pair of files alone, as OPT was published, leads to advice.
  @Test func vocabularyWithoutPipeline() throws {
    let folder = NSTemporaryDirectory() + "peqa-tokenizer-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for name in ["vocab.json", "merges.txt"] {
      try "{}".write(toFile: folder + "/" + name, atomically: true, encoding: .utf8)
    }
    #expect {
      try Tokenizer.load(from: folder)
    } throws: { "\($0)".contains("save_pretrained") && ($0 as? TokenizationError)?.exitCode == 66 }
  }

  /// To the decoder added tokens are pieces like others; chat templates print them as written.
  @Test func addedTokensInDecodedText() throws {
    let gemma = try tiny("gemma.json")
    let run = try #require(gemma.specialID("\u{2581}\u{2581}"))
    #expect(gemma.encode("a  ", addSpecial: false, parseSpecial: false).last == run)
    #expect(gemma.decode([run], skipSpecial: false) == "  ")
    #expect(gemma.text(of: run) == "\u{2581}\u{2581}")
    let llama = try tiny("llama1.json")
    #expect(llama.text(of: llama.bosID) == "<s>")
    #expect(
      llama.decode(
        llama.encode("a </s>", addSpecial: true, parseSpecial: true),
        skipSpecial: false) == "<s> a </s> </s>")
  }

  /// Metadata only, as a base keeps it; pieces and merges come through GGUF unchanged.
  @Test func ggufVocabulary() throws {
    let tokens = [
      "<unk>", "<s>", "</s>", "<0x61>", "\u{2581}", "a", "b", "ab", "\u{2581}ab", "<user>",
    ]
    let vocabulary = GGUFVocabulary(
      model: "llama", tokens: tokens.map { Array($0.utf8) },
      scores: [0, 0, 0, 0, -5, -6, -7, -1, -2, 0], tokenTypes: [2, 3, 3, 6, 1, 1, 1, 1, 1, 4],
      bosID: 1, eosID: 2, unknownID: 0)
    let tokenizer = try Tokenizer(gguf: vocabulary)
    #expect(tokenizer.encode("ab", addSpecial: true, parseSpecial: true) == [1, 8])
    #expect(tokenizer.encode("ba", addSpecial: false, parseSpecial: true) == [4, 6, 5])
    #expect(
      tokenizer.encode("a<user>xy", addSpecial: false, parseSpecial: false) == [4, 5, 9, 4, 0])
    var bad = vocabulary
    bad.scores.removeLast()
    #expect(throws: TokenizationError.self) { try Tokenizer(gguf: bad) }
    bad = vocabulary
    bad.scores[7] = .nan
    #expect(throws: TokenizationError.self) { try Tokenizer(gguf: bad) }
    bad = vocabulary
    bad.eosID = 10
    #expect(throws: TokenizationError.self) { try Tokenizer(gguf: bad) }
    bad.model = "bert"
    #expect(throws: TokenizationError.self) { try Tokenizer(gguf: bad) }
  }

  /// A word above 1 MiB is merged in stretches, so that memory does not grow with it: the cut is
  /// where letters and digits meet, or between two characters.
  @Test(arguments: ["smollm.json", "llama2.json"])
  func longWordsAreCut(name: String) throws {
    let tokenizer = try tiny(name)
    func ids(_ text: some Sequence<Character>, continuing: Bool) -> [Int32] {
      tokenizer.encode(
        String(text), addSpecial: false, parseSpecial: false, continuing: continuing)
    }
    // SentencePiece's kind puts a marker of three bytes in front.
    let limit = (1 << 20) - (name == "smollm.json" ? 0 : 3)
    let letters = String(repeating: "thequickbrownfox", count: 80_000)
    let whole = ids(letters, continuing: false)
    #expect(
      whole == ids(letters.prefix(limit), continuing: false)
        + ids(letters.dropFirst(limit), continuing: true))
    #expect(tokenizer.decode(whole, skipSpecial: false) == letters)
    let wide = String(repeating: "\u{4F60}", count: 700_000)
    let fitting = limit / 3
    #expect(
      ids(wide, continuing: false) == ids(wide.prefix(fitting), continuing: false)
        + ids(wide.dropFirst(fitting), continuing: true))
  }

  /// 100 KB lines are part of the goldens; here many of them must not take long together. The bound
  /// is a hundred times what one core needs, so that only a quadratic algorithm exceeds it.
  @Test(.timeLimit(.minutes(10)), arguments: ["smollm.json", "llama2.json", "bpe.model"])
  func longLines(name: String) throws {
    let tokenizer = try tiny(name)
    let line = String(repeating: "abcdefghij", count: 100_000)
    let ids = tokenizer.encode(line, addSpecial: false, parseSpecial: true)
    #expect(tokenizer.decode(ids, skipSpecial: false) == line)
  }
}
