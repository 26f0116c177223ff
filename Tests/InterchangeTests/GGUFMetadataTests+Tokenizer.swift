internal import Checkpoints
internal import DecoderModel
internal import Foundation
internal import Interchange
internal import JSONText
internal import TestSupport
import Testing
internal import Tokenization

/// A tokenizer of Hugging Face files and the one read from the metadata made of them.
extension GGUFMetadataTests {
  /// How far a tokenizer can be expressed.
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var golden: String
    var pre: String
    /// Texts with special tokens, which take spaces along or change what follows them, or with
    /// such others.
    var parsesSpecial = true
    var skipped: [String] = []
    /// llama.cpp composes no characters, and the reader only where qwen2 is the name.
    var composes = false
    /// llama.cpp puts a space in front where one is there, too.
    var skipsSpaces = false

    var testDescription: String { name }
  }

  private static let cases = [
    Case(name: "tiny-smollm", golden: "tiny", pre: "smollm"),
    Case(name: "tiny-llama3", golden: "tiny", pre: "llama-bpe", skipped: ["🦙🦙"]),
    Case(name: "tiny-qwen2", golden: "tiny", pre: "qwen2"),
    Case(name: "tiny-gptj", golden: "gptj-opt-neox", pre: "gpt-2"),
    Case(name: "tiny-neox", golden: "gptj-opt-neox", pre: "olmo", composes: true),
    Case(name: "tiny-olmo2", golden: "olmo2-stablelm2", pre: "dbrx"),
    Case(name: "tiny-stablelm2", golden: "olmo2-stablelm2", pre: "qwen2"),
    Case(name: "tiny-qwen3", golden: "qwen3-smollm3", pre: "qwen2"),
    Case(name: "tiny-smollm3", golden: "qwen3-smollm3", pre: "llama-bpe"),
    Case(name: "tiny-opt", golden: "gptj-opt-neox", pre: "gpt-2"),
    Case(
      name: "tiny-llama1", golden: "llama1-mistral", pre: "default", parsesSpecial: false),
    Case(name: "tiny-llama2", golden: "tiny", pre: "default"),
    // Runs longer than any token, and U+2581 itself, which stands for a space in GGUF.
    Case(
      name: "tiny-gemma", golden: "gemma-phi3", pre: "default",
      skipped: [
        String(repeating: " ", count: 9), String(repeating: "\n", count: 9), "\u{2581}\u{2581}",
      ]),
    Case(
      name: "tiny-phi3", golden: "gemma-phi3", pre: "default", parsesSpecial: false,
      skipped: ["</s>"]),
    Case(
      name: "tiny-metaspace", golden: "tiny", pre: "default", parsesSpecial: false,
      skipsSpaces: true),
    Case(
      name: "tiny-mistral", golden: "llama1-mistral", pre: "default", parsesSpecial: false,
      skipsSpaces: true),
  ]

  @Test(arguments: cases)
  func tokenizerSurvives(_ item: Case) throws {
    let folder = try TemporaryFolder()
    try Self.put(Self.tokenizer(item.name + ".json"), as: "tokenizer.json", rows: 720, in: folder)
    if item.pre == "default" { try Self.completeMerges(folder("tokenizer.json")) }
    let metadata = try GGUFMetadata(directory: folder.path, fileType: 0)
    #expect(metadata["tokenizer.ggml.pre"] == .text(item.pre))
    #expect(metadata["tokenizer.ggml.tokens"]?.array?.count == 720)
    let path = Self.tokenizer("golden-\(item.golden).json")
    let entry = try #require(
      try ModelFiles.json(path).array?.first { $0["name"]?.string == item.name })
    let texts = try #require(entry["cases"]?.array).map { value in
      String(repeating: value["text"]?.string ?? "", count: min(value["repeat"]?.int ?? 1, 50))
    }.filter { text in
      let composed = text.precomposedStringWithCanonicalMapping
      return !item.skipped.contains { text.contains($0) }
        && !(item.skipsSpaces && [" ", "\u{2581}"].contains(text.unicodeScalars.first))
        && (!item.composes || composed.utf8.elementsEqual(text.utf8))
    }
    try #require(texts.count > 50)
    try Self.compare(folder, metadata, texts, parsesSpecial: item.parsesSpecial)
  }

  @Test(arguments: ["tiny-bpe", "tiny-bpe-symbols"])
  func sentencePieceModel(name: String) throws {
    let folder = try TemporaryFolder()
    try Self.put(Self.tokenizer(name + ".model"), as: "tokenizer.model", rows: 720, in: folder)
    let metadata = try GGUFMetadata(directory: folder.path, fileType: 0)
    #expect(metadata["tokenizer.ggml.model"] == .text("llama"))
    let collapses = metadata.notes.contains { $0.contains("one space of several") }
    // Spaces that SentencePiece takes away and llama.cpp does not.
    let texts = Self.plain.filter { text in
      !collapses || !text.contains("  ") && !text.hasPrefix(" ") && !text.hasSuffix(" ")
    }
    try Self.compare(folder, metadata, texts, parsesSpecial: false)
  }

  /// Names that `GGUFVocabulary` does not read.
  @Test func patternsWithoutReader() throws {
    for (name, pre) in [("tiny-nemo", "tekken"), ("tiny-phi4mini", "gpt-4o")] {
      let folder = try TemporaryFolder()
      try Self.put(Self.tokenizer(name + ".json"), as: "tokenizer.json", rows: 720, in: folder)
      let metadata = try GGUFMetadata(directory: folder.path, fileType: 0)
      #expect(metadata["tokenizer.ggml.pre"] == .text(pre))
    }
  }

  @Test(
    .enabled(if: shared != nil, "needs ../shared/data"),
    arguments: [
      ("gpt-neox/tokenizer.json", "tokenizer.json", 50_432),
      ("mistral/tokenizer.model.v1", "tokenizer.model", 32_000),
    ])
  func published(file: String, name: String, rows: Int) throws {
    let folder = try TemporaryFolder()
    try Self.put(try #require(Self.shared) + file, as: name, rows: rows, in: folder)
    let metadata = try GGUFMetadata(directory: folder.path, fileType: 0)
    try Self.compare(folder, metadata, Self.plain, parsesSpecial: false)
  }

  /// Kinds of tokens, and the scores that follow from merges.
  @Test func kindsAndScores() throws {
    let folder = try TemporaryFolder()
    try Self.put(Self.tokenizer("tiny-gemma.json"), as: "tokenizer.json", rows: 720, in: folder)
    try Self.completeMerges(folder("tokenizer.json"))
    let metadata = try GGUFMetadata(directory: folder.path, fileType: 0)
    let tokens = try #require(metadata["tokenizer.ggml.tokens"]?.array?.strings)
      .map { String(decoding: $0, as: UTF8.self) }
    let types = try #require(metadata["tokenizer.ggml.token_type"]?.array?.ints)
    let scores = try #require(metadata["tokenizer.ggml.scores"]?.array?.floats)
    func kind(_ token: String) -> Int? { tokens.firstIndex(of: token).map { types[$0] } }
    #expect(kind("<pad>") == 3 && kind("<unk>") == 2 && kind("<unused1>") == 3)
    #expect(kind("<0x0A>") == 6 && kind("[PAD719]") == 5)
    // The tab is a token by itself.
    #expect(types.count { $0 == 6 } == 255)
    #expect(types.count { $0 == 4 } > 0)
    #expect(!tokens.indices.contains { types[$0] == 4 && tokens[$0].contains("\u{2581}") })
    // Pieces in the order in which merges make them: 0, -1, -2 and so on.
    let root = try ModelFiles.json(folder("tokenizer.json"))
    var made: [String] = []
    for merge in root["model"]?["merges"]?.array ?? [] {
      let piece = (merge.array ?? []).compactMap(\.string).joined()
      if made.last != piece { made.append(piece) }
    }
    let normal = made.enumerated().filter { kind($0.element) == 1 }
    #expect(normal.count > 300)
    for (rank, piece) in normal {
      #expect(tokens.firstIndex(of: piece).map { scores[$0] } == -Float(rank))
    }
    #expect(metadata["tokenizer.ggml.add_space_prefix"] == .bool(false))
    #expect(metadata["tokenizer.ggml.add_bos_token"] == .bool(true))
  }

  /// Several ends of a generation, a template, and ids that only config.json has.
  @Test func specials() throws {
    let folder = try TemporaryFolder()
    try Self.put(Self.tokenizer("tiny-smollm.json"), as: "tokenizer.json", rows: 500, in: folder)
    try folder.put("generation_config.json", #"{"eos_token_id": [0, 2, 7]}"#)
    try folder.put(
      "tokenizer_config.json", #"{"eos_token": "<|endoftext|>", "pad_token": "<|im_end|>"}"#)
    try folder.put("chat_template.jinja", "{{ messages }}")
    let metadata = try GGUFMetadata(directory: folder.path, fileType: 0)
    func id(_ name: String) -> Int? { metadata["tokenizer.ggml.\(name)_token_id"]?.int }
    #expect(id("eos") == 0 && id("padding") == 2 && id("unknown") == nil)
    #expect(id("eot") == 2 && id("eom") == 7)
    // Where the tokenizer has none, that of config.json.
    #expect(id("bos") == 1)
    #expect(metadata["tokenizer.ggml.add_bos_token"] == .bool(false))
    #expect(metadata["tokenizer.chat_template"] == .text("{{ messages }}"))
    try GGUFWriter.write(metadata: metadata.entries, to: folder("file"))
    #expect(try Tokenizer.load(from: folder("file")).stopIDs == [0, 2, 7])
  }

  @Test(arguments: [
    ("tiny-unknown.json", "", "", 720, "byte fallback"),
    ("tiny-llama2.json", "", "", 720, "do not follow from any"),
    ("tiny-smollm.json", "", "", 300, "has no row in the embedding of 300"),
    (
      "tiny-smollm.json", #""add_prefix_space": false"#, #""add_prefix_space": true"#, 720,
      "add_prefix_space"
    ),
    ("tiny-nemo.json", #""ignore_merges": true"#, #""ignore_merges": false"#, 720, "no name"),
    ("tiny-qwen2.json", #""NFC""#, #""NFKC""#, 720, "normalises text by NFKC"),
  ])
  func refusedTokenizer(
    name: String, old: String, new: String, rows: Int, words: String
  ) throws {
    let folder = try TemporaryFolder()
    try Self.put(Self.tokenizer(name), as: "tokenizer.json", rows: rows, in: folder)
    if !old.isEmpty {
      let text = try String(contentsOfFile: folder("tokenizer.json"), encoding: .utf8)
      let root = try JSONValue(parsing: text).text(indent: 1)
      try #require(root.contains(old), "\(root.prefix(3000))")
      try folder.put("tokenizer.json", root.replacingOccurrences(of: old, with: new))
    }
    let error = #expect(throws: ModelFileError.self) {
      try GGUFMetadata(directory: folder.path, fileType: 0)
    }
    #expect(try #require(error).description.contains(words), "\(String(describing: error))")
  }

  // MARK: Help

  /// Lists every pair whose union is a piece, as files made from SentencePiece models do. (Merges
  /// of these fixtures were learned, which gives each piece one pair.)
  private static func completeMerges(_ path: String) throws {
    let root = try ModelFiles.json(path)
    let added = root["added_tokens"]?.array ?? []
    let special = Set(
      added.filter { $0["special"]?.bool == true }.compactMap { $0["content"]?.string })
    let names = (root["model"]?["vocab"]?.members ?? []).map(\.key).filter {
      !special.contains($0) && !($0.hasPrefix("<0x") && $0.utf8.count == 6)
    }
    let pieces = Set(names.map { Array($0.unicodeScalars) })
    // Runs of spaces and newlines are tokens of their own (Gemma).
    let runs = added.compactMap { $0["content"]?.string }.map { Array($0.unicodeScalars) }
      .filter { $0.count > 1 && Set($0).count == 1 }
    let learned = (root["model"]?["merges"]?.array ?? []).map { merge in
      let line = merge.array?.compactMap(\.string).joined() ?? merge.string ?? ""
      return line.unicodeScalars.filter { $0 != " " }
    }
    var (seen, merges): (Set<[Unicode.Scalar]>, [JSONValue]) = ([], [])
    for piece in runs + learned.map({ Array($0) }) where seen.insert(piece).inserted {
      for cut in 1..<piece.count {
        let (left, right) = (Array(piece[..<cut]), Array(piece[cut...]))
        guard pieces.contains(left), pieces.contains(right) else { continue }
        merges.append(.array([text(left), text(right)]))
      }
    }
    try edit(path, ["model", "merges"], .array(merges))
  }

  private static func text(_ scalars: [Unicode.Scalar]) -> JSONValue {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return .string(String(view))
  }

  private static func edit(_ path: String, _ keys: [String], _ value: JSONValue) throws {
    func changed(_ old: JSONValue?, _ keys: ArraySlice<String>) -> JSONValue {
      guard let key = keys.first else { return value }
      return .object(
        (old?.members ?? []).map { member in
          member.key == key
            ? .init(key: key, value: changed(member.value, keys.dropFirst())) : member
        })
    }
    let text = changed(try ModelFiles.json(path), keys[...]).text()
    try AtomicFile.write(text, to: path)
  }

  private static func compare(
    _ folder: TemporaryFolder, _ metadata: GGUFMetadata, _ texts: [String], parsesSpecial: Bool
  ) throws {
    try GGUFWriter.write(metadata: metadata.entries, to: folder("vocabulary"))
    let tokenizer = try Tokenizer(directory: folder.path)
    let read = try Tokenizer.load(from: folder("vocabulary"))
    for text in texts {
      #expect(
        read.encode(text, addSpecial: true, parseSpecial: parsesSpecial)
          == tokenizer.encode(text, addSpecial: true, parseSpecial: parsesSpecial),
        "\(text.debugDescription)")
    }
    #expect(read.prefix == tokenizer.prefix && read.suffix == tokenizer.suffix)
    for (one, other) in [
      (read.bosID, tokenizer.bosID), (read.eosID, tokenizer.eosID),
      (read.unknownID, tokenizer.unknownID), (read.paddingID, tokenizer.paddingID),
    ] where other != nil { #expect(one == other) }
    #expect(Set(tokenizer.stopIDs).isSubset(of: read.stopIDs))
  }

  private static let plain = [
    "", " ", "Hello world", "a b c", "def f(x):\n    return x\n\n\n", "\t\n x", "Ünïcödé naïve é ẛ",
    "你好，世界！日本語", "🦙🦙🦙x", "1234567 3.14", "it's we'Ll", "\u{0}\u{1}", "x\r\ny",
  ]

  private static func tokenizer(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("TokenizationTests/Fixtures/\(name)").path
  }

  private static func put(
    _ source: String, as name: String, rows: Int, in folder: TemporaryFolder
  ) throws {
    try folder.put(name, try OpenFile.contents(of: source))
    let config = DecoderConfig(
      vocabularySize: rows, hiddenSize: 64, intermediateSize: 64, layerCount: 1, headCount: 2,
      keyValueHeadCount: 1, headSize: 32)
    var members = config.huggingFaceJSON.members ?? []
    members.append(.init(key: "bos_token_id", value: 1))
    try folder.put("config.json", JSONValue.object(members).text())
  }

  /// Published tokenizers beside the package; nil where they are not there.
  private static let shared: String? = {
    let path = URL(fileURLWithPath: #filePath).appendingPathComponent(
      "../../../../shared/data/tokenizers"
    ).standardizedFileURL.path
    return FileManager.default.fileExists(atPath: path) ? path + "/" : nil
  }()
}
