import Datasets
import JSONText
import TestSupport
import Testing

/// Slices, directories, patterns, several sources, validation.
@Suite struct SplitTests {
  /// Bounds as Python's `list(range(10))[slice]` gives them; percentages as 10 times a tenth.
  @Test(arguments: [
    ("train", 0..<10), ("train[:3]", 0..<3), ("[3:]", 3..<10), ("train[-2:]", 8..<10),
    ("train[:-2]", 0..<8), ("train[2:5]", 2..<5), ("train[:100]", 0..<10), ("x[5:2]", 5..<5),
    ("train[10%:]", 1..<10), ("train[:90%]", 0..<9), ("train[20%:-30%]", 2..<7), ("[:]", 0..<10),
  ])
  func sliceIsThatOfPython(_ text: String, _ range: Range<Int>) throws {
    #expect(try DatasetSplit(parsing: text).range(count: 10) == range)
  }

  @Test(arguments: [
    "train[", "train]", "train[1]", "train[a:]", "train[:5%%]", "train[1:2:3]",
    "train[:101%]", "train[:1]x", "a:b", "[:99999999999999999999]",
  ])
  func badSliceIsRefused(_ text: String) {
    #expect(throws: DatasetError.self) { try DatasetSplit(parsing: text) }
  }

  static func records(_ range: Range<Int>) -> String {
    range.map { "{\"text\":\"t\($0)\"}\n" }.joined()
  }

  static func texts(_ data: TokenDataset) -> [String] {
    data.segments.map { String($0.text.dropFirst(3).dropLast(4)) }
  }

  @Test func sliceCountsRecordsOfAllFiles() throws {
    let folder = try TemporaryFolder()
    for file in 0..<3 {
      _ = try folder.put("train-\(file).jsonl", Self.records((4 * file)..<(4 * file + 4)))
    }
    _ = try folder.put("test.jsonl", Self.records(50..<52))
    _ = try folder.put("README", "not data")
    func texts(_ path: String, _ split: String) throws -> [String] {
      let source = DatasetSource(path: path, split: try DatasetSplit(parsing: split))
      return Self.texts(
        try folder.builder(source, settings: DatasetSettings(packing: false)).build().train)
    }
    let all = (0..<12).map { "t\($0)" }
    #expect(try texts(folder.path, "") == all)
    #expect(try texts(folder.path, "train[3:-3]") == Array(all[3..<9]))
    #expect(try texts(folder.path, "train[50%:]") == Array(all[6...]))
    #expect(try texts(folder.path, "test") == ["t50", "t51"])
    #expect(try texts(folder.path + "/t*[0-1].jsonl", "") == Array(all[..<8]))
    #expect(try texts(folder.path + "/test.jsonl", "test") == ["t50", "t51"])
    #expect(throws: DatasetError.self) { try texts(folder.path, "dev") }
    #expect(throws: DatasetError.self) { try texts(folder.path + "/train-0.jsonl", "test") }
    #expect(throws: DatasetError.self) { try texts(folder.path, "train[12:]") }
  }

  @Test func sourcesAreConcatenatedEachWithItsType() throws {
    let folder = try TemporaryFolder()
    let alpaca = try folder.put("a.json", "[{\"instruction\":\"I\",\"output\":\"O\"}]")
    let text = try folder.put("b.txt", "plain")
    let data = try folder.builder(
      DatasetSource(path: alpaca), DatasetSource(path: text),
      DatasetSource(path: alpaca, type: .alpacaChat),
      settings: DatasetSettings(packing: false)
    ).build()
    #expect(data.counts.sources.map(\.type) == [.alpaca, .text, .alpacaChat])
    #expect(data.train.segments.map(\.supervisedText) == ["O</s>", "plain", "O<|im_end|>"])
    #expect(
      (0..<3).map { data.train.origin(ofSample: $0) }
        == ["\(alpaca): element 0", "\(text): window 0", "\(alpaca): element 0"])
    let cut = try folder.builder(
      DatasetSource(path: text, split: try DatasetSplit(parsing: "train"))
    ).build()
    #expect(cut.counts.samples == 1)
    #expect(throws: DatasetError.self) {
      try folder.builder(DatasetSource(path: text, split: try DatasetSplit(parsing: "[:1]")))
        .build()
    }
  }

  @Test(arguments: [
    (ValidationSize.fraction(0.1), 10), (.fraction(0.001), 1), (.count(7), 7), (.none, 0),
  ])
  func validationIsDisjointAndFixed(_ size: ValidationSize, _ expected: Int) throws {
    let folder = try TemporaryFolder()
    let source = DatasetSource(path: try folder.put("a.jsonl", Self.records(0..<100)))
    func build(_ seed: UInt64, packing: Bool = true) throws -> PreparedDatasets {
      let settings = DatasetSettings(
        maximumLength: 20, packing: packing, validation: size, seed: seed)
      return try folder.builder(source, settings: settings).build()
    }
    let data = try build(1)
    let heldOut = data.validation?.sampleIDs ?? []
    #expect(heldOut.count == expected)
    #expect((heldOut + data.train.sampleIDs).sorted() == Array(0..<100))
    #expect(try build(1, packing: false).validation?.sampleIDs.sorted() ?? [] == heldOut.sorted())
    if expected > 1 { #expect(try build(2).validation?.sampleIDs.sorted() != heldOut.sorted()) }
    #expect(data.json["validation"]?["samples"]?.int ?? 0 == expected)
    #expect(data.json["split_seed"]?.string == "1")
  }

  @Test func emptyResponsesAreCountedAndLeftOut() throws {
    let folder = try TemporaryFolder()
    let lines =
      "{\"prompt\":\"a\",\"completion\":\"\"}\n{\"prompt\":\"b\",\"completion\":\"c\"}\n"
    let source = DatasetSource(path: try folder.put("a.jsonl", lines))
    let data = try folder.builder(source).build()
    #expect(data.counts.unsupervised == 1 && data.counts.samples == 1 && data.counts.records == 2)
    #expect(data.description.contains("1 left out without a response"))
    #expect(data.train.origin(ofSample: 0).hasSuffix("a.jsonl:2"))
  }
}
