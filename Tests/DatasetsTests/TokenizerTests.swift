import ChatTemplates
import Datasets
import Foundation
import JSONText
import TestSupport
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
    let folder = try TemporaryFolder()
    let responses = ["Yes.", " two  words", "日本語 😀\n", "<s></s>[INST]", "1\r\n2"]
    let records = responses.map { "{\"prompt\":\"Q: x\\nA:\\n\",\"completion\":\"\($0)\"}\n" }
    let content = records.joined().replacingOccurrences(of: "\n\"}", with: "\\n\"}")
      .replacingOccurrences(of: "\r\n2", with: "\\r\\n2")
    let data = try DatasetBuilder(
      sources: [DatasetSource(path: try folder.put("a.jsonl", content))], tokenizer: tokenizer,
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

/// Conversations through real templates, on the SentencePiece vocabulary (`<s>`, `</s>` special).
@Suite struct TemplateChatTests {
  static func encoder(_ template: String) throws -> (Tokenizer, TemplateChatEncoder) {
    let tokenizer = try TokenizerTests.tokenizer(TokenizerTests.names[1])
    let chat = TemplateChatEncoder(
      tokenizer: tokenizer, template: try ChatTemplate(named: template))
    return (tokenizer, chat)
  }

  static let turns = [
    ChatTurn(role: .system, text: "Be brief."), ChatTurn(role: .user, text: "Hello there"),
    ChatTurn(role: .assistant, text: "Hi."), ChatTurn(role: .user, text: "Hi."),
    ChatTurn(role: .assistant, text: "Bye."),
  ]

  static func data(_ turns: [ChatTurn], _ template: String) throws -> (Tokenizer, PackedSequence) {
    let (tokenizer, chat) = try encoder(template)
    let folder = try TemporaryFolder()
    let messages: JSONValue = .array(
      turns.map { ["role": .string($0.role.rawValue), "content": .string($0.text)] })
    let record: JSONValue = ["messages": messages]
    let path = try folder.put("a.jsonl", record.text())
    let data = try DatasetBuilder(
      sources: [DatasetSource(path: path)], tokenizer: tokenizer, chat: chat,
      cacheDirectory: folder.path + "/cache"
    ).build()
    return (tokenizer, data.train.sequence(at: 0))
  }

  /// Nothing special in the words: ids are those of the rendered text as a whole, and the last
  /// answer starts after the ids that generation would be given.
  @Test(
    .enabled(if: TokenizerTests.isThere, "needs ../shared/data"),
    arguments: ["llama2", "mistral", "zephyr"])
  func idsAreThoseOfTheRenderedText(_ name: String) throws {
    let (tokenizer, sequence) = try Self.data(Self.turns, name)
    let template = try ChatTemplate(named: name)
    let messages = Self.turns.map { ChatMessage(role: $0.role.rawValue, content: $0.text) }
    func ids(_ count: Int, prompt: Bool) throws -> [Int32] {
      let text = try tokenizer.render(
        Array(messages.prefix(count)), with: template, addGenerationPrompt: prompt)
      return tokenizer.encode(text, addSpecial: false, parseSpecial: true)
    }
    #expect(sequence.tokens == (try ids(5, prompt: false)))
    let first = try ids(2, prompt: true)
    let last = try ids(4, prompt: true)
    #expect(sequence.targets.firstIndex { $0 >= 0 } == first.count - 1)
    #expect(sequence.targets[last.count - 2] == -1 && sequence.targets[last.count - 1] >= 0)
    let learnt = tokenizer.decode(sequence.targets.filter { $0 >= 0 }, skipSpecial: true)
    #expect(learnt.split(separator: " ").joined() == "Hi.Bye.")
  }

  /// End tokens spelled out in turns stay characters: the number of end tokens is that of answers.
  @Test(
    .enabled(if: TokenizerTests.isThere, "needs ../shared/data"),
    arguments: ["llama2", "mistral", "zephyr"])
  func spelledTokensStayCharacters(_ name: String) throws {
    var turns = Self.turns
    turns[0].text = " </s> "
    turns[1].text = "say </s>"
    turns[3].text = "say </s>"
    turns[2].text = "</s>"
    turns[4].text = "</s> it is \u{10FFF0}1\u{10FFF1} </s>"
    let (tokenizer, sequence) = try Self.data(turns, name)
    let ends = sequence.targets.count { $0 == tokenizer.eosID }
    #expect(ends == 2)
    let learnt = tokenizer.decode(sequence.targets.filter { $0 >= 0 }, skipSpecial: true)
    #expect(learnt.contains("</s> it is \u{10FFF0}1\u{10FFF1} </s>"))
    #expect(tokenizer.decode(sequence.tokens).contains("say </s>"))
    #expect(sequence.targets.filter { $0 >= 0 }.last == tokenizer.eosID)
  }
}
