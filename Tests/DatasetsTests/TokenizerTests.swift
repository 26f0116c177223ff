import Datasets
import Foundation
import Testing
import Tokenization

/// Real tokenizers behind `TextEncoder`.
@Suite struct TokenizerTests {
  static let names = [
    "llama.cpp-vocab/ggml-vocab-gpt-2.gguf", "llama.cpp-vocab/ggml-vocab-llama-spm.gguf",
    "gpt-neox/tokenizer.json", "mistral/tokenizer.model.v1",
  ].map { "tokenizers/" + $0 }
  static let isThere = SharedData.has(names[0]) && SharedData.has("text/wikitext-2")

  static func tokenizer(_ name: String) throws -> Tokenizer {
    try Tokenizer.load(from: SharedData.path(name))
  }

  /// Parts cut wherever a letter, a space and a letter meet, every 200 bytes or so, give the ids of
  /// the whole.
  @Test(.enabled(if: isThere, "needs ../shared/data"), arguments: names)
  func partsGiveTheIdsOfTheWhole(_ name: String) throws {
    let tokenizer = try Self.tokenizer(name)
    #expect(tokenizer.splitsBetweenWords)
    let bytes = Array(try SharedData.bytes("text/wikitext-2/wiki.test.raw").prefix(100_000))
    func isLetter(_ byte: UInt8) -> Bool { byte < 0x80 && Character(UnicodeScalar(byte)).isLetter }
    var ids: [Int32] = []
    var start = 0
    for end in 1..<bytes.count - 1
    where end - start >= 200 && bytes[end] == 0x20 && isLetter(bytes[end - 1])
      && isLetter(bytes[end + 1])
    {
      ids += tokenizer.encode(
        String(decoding: bytes[start..<end], as: UTF8.self), parseSpecial: false,
        after: ids.last)
      start = end
    }
    #expect(start > 99_000)
    ids += tokenizer.encode(
      String(decoding: bytes[start...], as: UTF8.self), parseSpecial: false, after: ids.last)
    #expect(ids == tokenizer.encode(bytes: bytes, addSpecial: false, parseSpecial: false))
  }

  /// The supervised ids decode to the response, and the end token follows; the prompt is as it is
  /// encoded alone, so that generation starts from the very ids of training.
  /// GPT-NeoX names its EOS only in `tokenizer_config.json`, which is not there.
  @Test(
    .enabled(if: isThere, "needs ../shared/data"),
    arguments: names.filter { !$0.contains("neox") })
  func responsesAreSupervisedExactly(_ name: String) throws {
    let tokenizer = try Self.tokenizer(name)
    let folder = try Folder()
    let responses = ["Yes.", " two  words", "日本語 😀\n", "<s></s>[INST]", "1\r\n2"]
    let records = responses.map { "{\"prompt\":\"Q: x\\nA:\\n\",\"completion\":\"\($0)\"}\n" }
    let content = records.joined().replacingOccurrences(of: "\n\"}", with: "\\n\"}")
      .replacingOccurrences(of: "\r\n2", with: "\\r\\n2")
    let data = try DatasetBuilder(
      sources: [DatasetSource(path: try folder.file("a.jsonl", content))], tokenizer: tokenizer,
      settings: DatasetSettings(packing: false), cacheDirectory: folder.path + "/cache"
    ).build()
    let prompt = tokenizer.encode("Q: x\nA:\n", addSpecial: true, parseSpecial: false)
    #expect(data.train.count == responses.count)
    for (sequence, response) in zip(data.train.sequences, responses) {
      let learnt = sequence.targets.filter { $0 >= 0 }
      #expect(sequence.tokens.starts(with: prompt))
      #expect(sequence.tokens.count == prompt.count + learnt.count)
      #expect(learnt.last == tokenizer.eosID)
      let text = learnt.dropLast().flatMap { tokenizer.bytes(of: $0) }
      let spelled = String(decoding: text, as: UTF8.self).replacingOccurrences(of: "▁", with: " ")
      #expect(spelled == response)
    }
  }
}
