import Datasets
import Foundation
import Kernels
import TestSupport
import Testing

/// Bad data sets: the text says where and what, and nothing is left in the cache.
@Suite struct HostileInputTests {
  /// (name, type, content, what the error must say, exit code)
  static let cases: [(String, DatasetType, String, [String], Int32)] = [
    (
      "a.jsonl", .auto, "{\"text\":\"a\"}\n{\"text\":\"b\"\n{\"text\":\"c\"}\n",
      ["a.jsonl:2:", "column 12"], 65
    ),
    (
      "a.jsonl", .auto, "{\"text\":\"a\"}\n\n\r\n{\"text\":\"b\u{1}\"}", ["a.jsonl:4:", "control"],
      65
    ),
    (
      "a.jsonl", .text, "{\"text\":\"a\"}\n{\"txt\":\"b\"}\n",
      ["a.jsonl:2:", "\"text\"", "\"txt\""], 65
    ),
    ("a.jsonl", .text, "{\"text\":\"a\"}\n[1]\n", ["a.jsonl:2:", "an array"], 65),
    ("a.jsonl", .text, "{\"text\":\"a\"} {\"text\":\"b\"}\n", ["a.jsonl:1:"], 65),
    ("a.jsonl", .auto, "{\"tixt\":\"a\"}\n", ["a.jsonl:1:", "tixt", "type"], 65),
    ("a.json", .auto, "[{\"text\":\"a\"},\n{\"text\":3}]", ["element 1", "a number"], 65),
    ("a.json", .auto, "[{\"text\":\"a\"},\n{\"text\":\"a\"},]", ["a.json:2:", "element 2"], 65),
    ("a.json", .auto, "[{\"text\":\"a\"},\n{\"text\":", ["a.json:2:", "element 1", "end"], 65),
    ("a.json", .auto, "[{\"text\":\"a\"}\n{\"text\":\"b\"}]", ["a.json:2:", "','"], 65),
    ("a.json", .auto, "[{\"text\":\"a\"}] x", ["a.json:1:", "after the end"], 65),
    ("a.json", .auto, "[{\"text\":\"a\"]}", ["a.json:1:"], 65),
    (
      "a.json", .alpaca, "[{\"instruction\":\"a\",\"input\":\"\"}]", ["element 0", "\"output\""], 65
    ),
    ("a.json", .completion, "[{\"prompt\":\"a\"}]", ["element 0", "\"completion\""], 65),
    ("a.json", .chat, "[{\"prompt\":\"a\"}]", ["element 0", "\"messages\""], 65),
    ("a.json", .chat, "[{\"messages\":[]}]", ["element 0", "empty"], 65),
    (
      "a.json", .chat, "[{\"messages\":[{\"role\":\"tool\",\"content\":\"\"}]}]",
      ["message 0", "tool"], 65
    ),
    (
      "a.json", .chat, "[{\"messages\":[{\"role\":\"user\",\"content\":null}]}]",
      ["message 0", "null"], 65
    ),
    ("a.json", .chat, "[{\"messages\":[3]}]", ["message 0", "a number"], 65),
    ("a.json", .chat, "[{\"messages\":\"x\"}]", ["a string"], 65),
    ("a.json", .auto, "", ["a.json", "empty"], 65),
    ("a.json", .auto, "[]", ["a.json", "empty"], 65),
    ("a.jsonl", .alpaca, " \n\r\n\t", ["a.jsonl", "empty"], 65),
    ("a.txt", .auto, "", ["a.txt", "empty"], 65),
    ("a.txt", .auto, "x", ["a.txt", "learn"], 65),
    (
      "a.json", .alpaca, "[{\"instruction\":\"a\",\"output\":\"\"}]",
      ["none of 1", "train_on_inputs"], 65
    ),
    (
      "a.json", .chat, "[{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}]", ["none of 1"], 65
    ),
  ]

  @Test(arguments: cases.indices)
  func errorSaysWhereAndWhat(_ index: Int) throws {
    let (name, type, content, words, code) = Self.cases[index]
    let folder = try TemporaryFolder()
    let source = DatasetSource(path: try folder.put(name, content), type: type)
    let tokenizer = ByteTokenizer(bosID: nil, beginsWithBOS: false)
    let error = #expect(throws: DatasetError.self) {
      try folder.builder(source, tokenizer: tokenizer).build()
    }
    let text = try #require(error).description
    for word in words { #expect(text.contains(word), "\(text)") }
    #expect(error?.exitCode == code)
    let left = (try? FileManager.default.contentsOfDirectory(atPath: folder.path + "/cache")) ?? []
    #expect(left.isEmpty)
  }

  @Test func bytesThatAreNoText() throws {
    let folder = try TemporaryFolder()
    let path = try folder.put("a.txt", Array("one\ntwo\n".utf8) + [0xFF, 0xFE])
    #expect(throws: DatasetError.self) { try folder.builder(DatasetSource(path: path)).build() }
    let parquet = try folder.put("b.parquet", Array("PAR1".utf8) + [0x15, 0x80, 0xFF])
    #expect(throws: DatasetError.self) { try folder.builder(DatasetSource(path: parquet)).build() }
  }

  @Test func hugeLineAndDeepNesting() throws {
    let folder = try TemporaryFolder()
    let text = String(repeating: "long \\u00e9 ", count: 200_000)
    let path = try folder.put("a.jsonl", "{\"text\":\"\(text)\"}\n{\"text\":\"b\"}")
    let settings = DatasetSettings(maximumLength: 4096)
    let data = try folder.builder(DatasetSource(path: path), settings: settings).build()
    // "long é " is 8 bytes; BOS and EOS around; then <s>b</s>.
    #expect(data.counts.tokens == 8 * 200_000 + 2 + 3)
    let deep = String(repeating: "[", count: 1_000_000)
    for content in [deep, "{\"text\":" + deep, "[" + String(repeating: "{\"a\":", count: 500_000)] {
      let path = try folder.put("deep.json", content)
      #expect(throws: DatasetError.self) {
        try folder.builder(DatasetSource(path: path, type: .text)).build()
      }
    }
  }

  @Test func badSettings() throws {
    let folder = try TemporaryFolder()
    let path = try folder.put("a.jsonl", "{\"text\":\"abc\"}\n{\"text\":\"abc\"}")
    let source = DatasetSource(path: path)
    func code(_ builder: DatasetBuilder) -> Int32? {
      do { _ = try builder.build() } catch { return (error as? DatasetError)?.exitCode }
      return nil
    }
    #expect(code(folder.builder(source, settings: DatasetSettings(maximumLength: 1))) == 78)
    #expect(code(folder.builder(source, settings: DatasetSettings(validation: .count(2)))) == 78)
    #expect(code(folder.builder()) == 78)
    #expect(code(folder.builder(source, tokenizer: ByteTokenizer(bosID: nil))) == 78)
    #expect(code(folder.builder(source, tokenizer: ByteTokenizer(eosID: nil))) == 78)
    #expect(code(folder.builder(DatasetSource(path: folder.path + "/none.json"))) == 66)
    #expect(code(folder.builder(DatasetSource(path: folder.path + "/*.csv"))) == 66)
    var builder = folder.builder(source)
    builder.cacheDirectory = path + "/below-a-file"
    #expect(code(builder) == 77)
    #expect(throws: DatasetError.self) { try ValidationSize(-1) }
    #expect(throws: DatasetError.self) { try ValidationSize(.nan) }
    #expect(throws: DatasetError.self) { try ValidationSize(2.5) }
    #expect(throws: DatasetError.self) { try DatasetType(name: "alpacca") }
  }

  /// Every mutation of good files either builds or throws a typed error; the process survives.
  @Test(arguments: FormatTests.cases.indices)
  func mutatedFilesThrowOrBuild(_ index: Int) throws {
    let (name, content, type, _, _) = FormatTests.cases[index]
    let folder = try TemporaryFolder()
    var random = SplitMix64(seed: UInt64(index))
    let original = Array(content.utf8)
    let alphabet = Array("[]{}\",:\\u0\n\r \u{FEFF}".utf8) + [0, 0xFF, 0xC3, 0x80]
    var outcomes = (built: 0, refused: 0)
    for _ in 0..<300 {
      var bytes = original
      for _ in 0...random.below(3) {
        let position = random.below(bytes.count)
        switch random.below(5) {
        case 0: bytes[position] = alphabet[random.below(alphabet.count)]
        case 1: bytes.remove(at: position)
        case 2: bytes.insert(alphabet[random.below(alphabet.count)], at: position)
        case 3: bytes = Array(bytes[..<max(position, 1)])
        default: bytes += bytes[position...]
        }
        if bytes.isEmpty { bytes = [0] }
      }
      let source = DatasetSource(
        path: try folder.put(name, bytes), type: random.below(2) == 0 ? .auto : type)
      do {
        let data = try folder.builder(source).build()
        #expect(data.train.segments.count == data.counts.samples)
        outcomes.built += 1
      } catch is DatasetError {
        outcomes.refused += 1
      }
    }
    #expect(outcomes.built > 0)
    #expect(outcomes.refused > 0 || type == .text)
  }

  /// A record of any size, or of many small values, would take many times as much memory.
  @Test func recordsAreLimited() throws {
    let folder = try TemporaryFolder()
    func failure(_ text: String, limit: Int) throws -> DatasetError? {
      let source = DatasetSource(path: try folder.put("large.jsonl", text), type: .text)
      let builder = folder.builder(source, settings: DatasetSettings(largestRecord: limit))
      do {
        _ = try builder.build()
        return nil
      } catch let error as DatasetError {
        return error
      }
    }
    let record = "{\"text\":\"\(String(repeating: "a", count: 987))\"}\n"
    #expect(try failure(record, limit: 998) == nil)
    let long = try failure("{\"text\":\"b\"}\n" + record, limit: 997)
    #expect(
      long?.description.hasSuffix(
        "large.jsonl:2: a record of 998 bytes; at most 997 are read. "
          + "Split the record, or raise max_record_bytes.") == true)
    #expect(long?.exitCode == 65)
    let zeros = String(repeating: "0,", count: 2000) + "0"
    let many = "{\"text\":\"a\",\"more\":[\(zeros)]}\n"
    #expect(
      try failure(many, limit: 16 * 2003)?.description.hasSuffix(
        "large.jsonl:1: a record of more than 2003 values; no more are read. "
          + "Split the record, or raise max_record_bytes.") == true)
    #expect(try failure(many, limit: 16 * 2004) == nil)
    // The limit is no part of the cache's key: what was read once is there.
    #expect(try failure(many, limit: 16 * 2003) == nil)
    #expect(DatasetSettings().largestRecord == 16 << 20)
  }
}

extension SplitMix64 {
  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
