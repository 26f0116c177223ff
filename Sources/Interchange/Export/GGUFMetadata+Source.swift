internal import Checkpoints
internal import DecoderModel
internal import Foundation
internal import JSONText
internal import Tokenization

/// The tokenizer of a model's directory, as GGUF has it: from `tokenizer.json`, `tokenizer.model`,
/// or the metadata of a GGUF file that the base was made from.
struct GGUFTokenizerSource {
  let vocabulary: GGUFVocabulary
  private(set) var notes: [String] = []
  /// Where the tokenizer comes from a GGUF file.
  private var file: GGUFFile?

  /// A string of that file's metadata.
  func text(_ key: String) -> String? { file?[key]?.string }

  init(directory: String, config: DecoderConfig, json: JSONValue) throws {
    func existing(_ name: String) -> String? {
      let path = directory + "/" + name
      return FileManager.default.fileExists(atPath: path) ? path : nil
    }
    let (fast, model) = (existing("tokenizer.json"), existing("tokenizer.model"))
    if fast == nil, model == nil, let path = existing(ModelFiles.tokenizerGGUF) {
      let file = try GGUFFile(path: path)
      vocabulary = try GGUFVocabulary(file)
      self.file = file
      return
    }
    let tokenizer = try Tokenizer(directory: directory)
    var tokens = try GGUFTokens(
      fast: fast.map { try TokenizerFile(path: $0) },
      pieces: model.map {
        try SentencePieceFile(parsing: OpenFile.contents(of: $0), source: $0)
      }, tokenizer: tokenizer, rows: config.vocabularySize, path: fast ?? model ?? directory)
    try tokens.setSpecials(of: tokenizer, json: json)
    (vocabulary, notes) = (tokens.vocabulary, tokens.notes)
  }
}

/// What of a `tokenizer.json` GGUF needs beyond what a `Tokenizer` tells.
struct TokenizerFile {
  struct Added {
    var id: Int
    var text: String
    var isSpecial: Bool
    /// It takes white space along, only stands between words, or only where a space was put in.
    var hasContext: Bool
  }

  let path: String
  /// Tokens as the file spells them, with their ids.
  let tokens: [(text: String, id: Int)]
  let merges: [(left: String, right: String)]
  let added: [Added]
  let ignoresMerges: Bool
  let hasByteFallback: Bool
  let unknown: String?
  /// Steps of `normalizer` and `pre_tokenizer`, those of sequences one after the other.
  let normalizers: [JSONValue]
  let preTokenizers: [JSONValue]

  /// The tokenizer has been loaded from this file before, so what is broken was refused.
  init(path: String) throws {
    let root = try ModelFiles.json(path)
    let model = root["model"] ?? .null
    self.path = path
    tokens = (model["vocab"]?.members ?? []).map { ($0.key, $0.value.int ?? 0) }
    merges = (model["merges"]?.array ?? []).compactMap(Self.merge)
    normalizers = Self.steps(root["normalizer"], "normalizers")
    preTokenizers = Self.steps(root["pre_tokenizer"], "pretokenizers")
    let prepends = normalizers.contains { $0["type"]?.string == "Prepend" }
    let context = ["lstrip", "rstrip", "single_word"] + (prepends ? ["normalized"] : [])
    added = (root["added_tokens"]?.array ?? []).map { entry in
      Added(
        id: entry["id"]?.int ?? 0, text: entry["content"]?.string ?? "",
        isSpecial: entry["special"]?.bool ?? false,
        hasContext: context.contains { entry[$0]?.bool == true })
    }
    ignoresMerges = model["ignore_merges"]?.bool ?? false
    hasByteFallback = model["byte_fallback"]?.bool ?? false
    unknown = model["unk_token"]?.string
  }

  private static func merge(_ entry: JSONValue) -> (left: String, right: String)? {
    if let pair = entry.array, pair.count == 2, let left = pair[0].string,
      let right = pair[1].string
    {
      return (left, right)
    }
    let parts = (entry.string ?? "").utf8.split(separator: 0x20)
    guard parts.count == 2 else { return nil }
    return (String(decoding: parts[0], as: UTF8.self), String(decoding: parts[1], as: UTF8.self))
  }

  private static func steps(_ value: JSONValue?, _ key: String) -> [JSONValue] {
    guard let value, !value.isNull else { return [] }
    guard value["type"]?.string == "Sequence" else { return [value] }
    return (value[key]?.array ?? []).flatMap { steps($0, key) }
  }

  func unsupported(_ detail: String) -> ModelFileError { .unsupported(path: path, detail: detail) }
}
