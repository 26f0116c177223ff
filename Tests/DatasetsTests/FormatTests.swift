import Datasets
import JSONText
import Kernels
import TestSupport
import Testing

/// Each format against text written out by hand: what the model sees and what counts.
@Suite struct FormatTests {
  @Test func alpacaPromptIsTheKnownText() {
    #expect(
      AlpacaPrompt.text(instruction: "Add.", input: "1 2")
        == "Below is an instruction that describes a task, paired with an input that provides "
        + "further context. Write a response that appropriately completes the request.\n\n"
        + "### Instruction:\nAdd.\n\n### Input:\n1 2\n\n### Response:\n")
    #expect(
      AlpacaPrompt.text(instruction: "Sing.")
        == "Below is an instruction that describes a task. Write a response that appropriately "
        + "completes the request.\n\n### Instruction:\nSing.\n\n### Response:\n")
  }

  /// (file name, content, type found, full text of samples, supervised text of samples)
  static let cases: [(String, String, DatasetType, [String], [String])] = [
    (
      "a.json",
      "[{\"instruction\":\"Add.\",\"input\":\"1 2\",\"output\":\"3\"},\r\n"
        + "{\"instruction\":\"Sing.\",\"output\":\"la\",\"input\":null}]",
      .alpaca,
      [
        "<s>" + AlpacaPrompt.text(instruction: "Add.", input: "1 2") + "3</s>",
        "<s>" + AlpacaPrompt.text(instruction: "Sing.") + "la</s>",
      ], ["3</s>", "la</s>"]
    ),
    (
      "b.jsonl",
      "\u{FEFF}{\"prompt\":\"P:\",\"completion\":\" c\"}\r\n\r\n"
        + "{\"completion\":\"</s>\",\"prompt\":\"<s>\"}\r\n",
      .completion, ["<s>P: c</s>", "<s><s></s></s>"], [" c</s>", "</s></s>"]
    ),
    (
      "c.jsonl",
      #"{"messages":[{"role":"system","content":"S"},{"role":"user","content":"U"},"#
        + #"{"role":"assistant","content":"A"},{"role":"user","content":"<|im_end|>"},"#
        + #"{"role":"assistant","content":"B"}]}"#,
      .chat,
      [
        "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\n"
          + "A<|im_end|>\n<|im_start|>user\n<|im_end|><|im_end|>\n<|im_start|>assistant\n"
          + "B<|im_end|>\n"
      ], ["A<|im_end|>B<|im_end|>"]
    ),
    (
      "d.json", #"[{"conversations":[{"from":"human","value":"U"},{"from":"gpt","value":"A"}]}]"#,
      .chat, ["<|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\nA<|im_end|>\n"],
      ["A<|im_end|>"]
    ),
    (
      "e.jsonl", #"{"text":"one"}"# + "\n" + #"{"text":"two"}"#, .text,
      ["<s>one</s>", "<s>two</s>"],
      ["one</s>", "two</s>"]
    ),
    ("f.txt", "[plain] text\n", .text, ["<s>[plain] text\n"], ["[plain] text\n"]),
    (
      "g.json",
      "{\n \"Definition\": [\"Add.\"],\n"
        + " \"Instances\": [{\"input\":\"1 2\",\"output\":[\"3\",\"x\"]}]}",
      .superNI, ["<s>" + AlpacaPrompt.text(instruction: "Add.", input: "1 2") + "3</s>"], ["3</s>"]
    ),
  ]

  @Test(arguments: cases.indices)
  func formatGivesTheTextAndTheMask(_ index: Int) throws {
    let (name, content, type, texts, supervised) = Self.cases[index]
    let folder = try TemporaryFolder()
    let source = DatasetSource(path: try folder.put(name, content))
    let data = try folder.builder(source, settings: DatasetSettings(packing: false)).build()
    #expect(data.counts.sources.map(\.type) == [type])
    #expect(data.train.segments.map(\.text) == texts)
    #expect(data.train.segments.map(\.supervisedText) == supervised)
  }

  /// Records are found by their bytes alone; whatever brackets, quotes and escapes their strings
  /// hold, the texts are those that were written, in every layout.
  @Test(arguments: [nil, 0, 2] as [Int?], [true, false])
  func recordsAreFoundInAnyLayout(_ indent: Int?, _ isLines: Bool) throws {
    guard indent == nil || !isLines else { return }
    var random = SplitMix64(seed: UInt64(indent ?? 7))
    let parts = [
      "[", "]", "{", "}", "\"", "\\", ",", ":", "\n", "\r", "\u{2028}", "é", "😀", " ", "a",
    ]
    func text() -> String {
      (0...random.below(12)).map { _ in parts[random.below(parts.count)] }.joined()
    }
    func value(_ depth: Int) -> JSONValue {
      switch random.below(depth > 3 ? 3 : 6) {
      case 0: .string(text())
      case 1: .integer(random.below(1000) - 500)
      case 2: .null
      case 3: .array((0..<random.below(4)).map { _ in value(depth + 1) })
      default:
        .object((0..<random.below(4)).map { _ in .init(key: text(), value: value(depth + 1)) })
      }
    }
    let texts = (0..<200).map { "\($0)" + text() }
    let records: [JSONValue] = texts.map {
      ["before": value(0), "text": .string($0), "z": value(0)]
    }
    let content =
      isLines
      ? records.map { $0.text() }.joined(separator: "\r\n")
      : JSONValue.array(records).text(indent: indent)
    let folder = try TemporaryFolder()
    let data = try folder.builder(
      DatasetSource(path: try folder.put("a.data", content)),
      settings: DatasetSettings(packing: false)
    ).build()
    #expect(data.counts.sources.map(\.type) == [.text])
    #expect(data.train.segments.map(\.text) == texts.map { "<s>\($0)</s>" })
  }
}
