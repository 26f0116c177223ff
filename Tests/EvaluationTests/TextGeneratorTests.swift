import Collectives
import Datasets
import DecoderModel
import Evaluation
import Foundation
import Testing
import Tokenization

@Suite struct TextGeneratorTests {
  /// Byte-level tokens `a`, `b`, the two bytes of `ä`, a space, and two special tokens.
  static let tokenizerJSON = """
    {"version": "1.0", "added_tokens": [
       {"id": 5, "content": "<|im_end|>", "single_word": false, "lstrip": false,
        "rstrip": false, "normalized": false, "special": true},
       {"id": 6, "content": "<|x|>", "single_word": false, "lstrip": false,
        "rstrip": false, "normalized": false, "special": true}],
     "normalizer": null,
     "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
                       "use_regex": true},
     "post_processor": null,
     "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true,
                 "use_regex": true},
     "model": {"type": "BPE", "dropout": null, "unk_token": null, "fuse_unk": false,
               "vocab": {"a": 0, "b": 1, "Ã": 2, "¤": 3, "Ġ": 4}, "merges": []}}
    """

  static func makeFolder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("peqa-evaluation-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try Data(tokenizerJSON.utf8).write(to: folder.appendingPathComponent("tokenizer.json"))
    return folder
  }

  static let tokenizer: Tokenizer = {
    let folder = try! makeFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    return try! Tokenizer.load(from: folder.path)
  }()

  /// Says `script` after the prompt, token by token.
  private final class Speaker: NextTokenModel {
    let contextLength = 100
    private(set) var tokens: [Int32] = []
    private let script: [Int32]
    private let prompt: Int

    init(_ script: [Int32], prompt: Int) { (self.script, self.prompt) = (script, prompt) }

    func truncate(to count: Int) { tokens.removeLast(tokens.count - count) }

    func read(_ tokens: [Int32], into logits: inout [Float]) {
      self.tokens += tokens
      logits = [Float](repeating: 0, count: 7)
      logits[Int(script[min(self.tokens.count - prompt, script.count - 1)])] = 1
    }
  }

  struct Case: Sendable {
    var script: [Int32]
    var maximum = 10
    var stops: [String] = []
    var chunks: [String]
    var reason: FinishReason
  }

  @Test(arguments: [
    // A character comes whole; the stop token ends the text and is not part of it.
    Case(script: [0, 2, 3, 4, 1, 5], chunks: ["a", "ä", " ", "b"], reason: .stop),
    // Other special tokens are left out.
    Case(script: [0, 6, 1, 5], chunks: ["a", "b"], reason: .stop),
    // Half a character at the end becomes U+FFFD.
    Case(script: [0, 2], maximum: 2, chunks: ["a", "\u{FFFD}"], reason: .length),
    // The stop string goes across tokens; what begins one but does not go on is given.
    Case(script: [0, 2, 3, 0, 2, 3, 1, 0], stops: ["äb"], chunks: ["a", "äa"], reason: .stop),
    Case(script: [0, 0, 1, 5], stops: ["aab"], chunks: [], reason: .stop),
    Case(script: [4, 0, 5], stops: ["ab"], chunks: [" ", "a"], reason: .stop),
  ])
  func streamsWholeCharacters(test: Case) throws {
    let prompt = Self.tokenizer.encode("ab ä", addSpecial: true, parseSpecial: true)
    #expect(prompt == [0, 1, 4, 2, 3])
    let generator = TextGenerator(
      Speaker(test.script, prompt: prompt.count), tokenizer: Self.tokenizer,
      stopStrings: test.stops)
    var chunks: [String] = []
    let (text, report) = try generator.generate(
      prompt, maximum: test.maximum, sampling: SamplingSettings(), onText: { chunks.append($0) })
    #expect(chunks == test.chunks)
    #expect(text == test.chunks.joined() && report.finishReason == test.reason)
  }

  /// The sweep over a data set is the token-weighted mean of the losses of its sequences.
  @Test func dataSetLoss() throws {
    let folder = try Self.makeFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("data.jsonl")
    let lines = ["abba", "b", "ä ä", "a b a b a"].map {
      "{\"prompt\": \"ab \", \"completion\": \"\($0)\"}"
    }
    try Data(lines.joined(separator: "\n").utf8).write(to: file)
    try Data("{\"eos_token\": \"<|im_end|>\"}".utf8)
      .write(to: folder.appendingPathComponent("tokenizer_config.json"))
    let prepared = try DatasetBuilder(
      sources: [DatasetSource(path: file.path, type: .completion)],
      tokenizer: Tokenizer.load(from: folder.path),
      settings: DatasetSettings(maximumLength: 16), cacheDirectory: folder.path + "/cache"
    ).build()
    let decoder = TinyDecoder.make()
    let sweep = ShardedLoss(prepared.train, model: decoder)
    let report = try sweep.run(on: Communicator.start())
    var (sum, count) = (0.0, 0)
    for index in 0..<prepared.train.count {
      let sequence = prepared.train.sequence(at: index)
      // Each segment alone, as if nothing had been packed.
      for segment in sequence.segments {
        let loss = try decoder.loss(
          Array(sequence.tokens[segment]), targets: Array(sequence.targets[segment]))
        sum += loss.loss
        count += loss.tokens
      }
    }
    // Responses with their end tokens: 4 + 1, 1 + 1, 5 + 1, 9 + 1.
    #expect(count == 23 && report.tokens == 23 && report.items == prepared.train.count)
    // fp32 sums in another order, in a loss of about 4.
    #expect(abs(report.loss - sum / 23) < 1e-5)
    #expect(ShardedLoss(prepared.train, sequences: 1, model: decoder).itemCount == 1)
  }
}
