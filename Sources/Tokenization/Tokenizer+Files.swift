internal import Checkpoints
internal import Foundation
internal import JSONText

extension Tokenizer {
  /// The tokenizer at a path: a model's or base's folder, a GGUF file, a `tokenizer.json`, or a
  /// SentencePiece `tokenizer.model`.
  ///
  /// Throws `TokenizationError`, or `CheckpointError` where a file cannot be read.
  package static func load(from path: String) throws -> Tokenizer {
    if TokenizerSettings.isFolder(path) { return try Tokenizer(directory: path) }
    if try TokenizerSettings.start(ofFile: path).starts(with: Array("GGUF".utf8)) {
      return try Tokenizer(gguf: GGUFVocabulary(GGUFFile(path: path)), source: path)
    }
    let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    return try Tokenizer(
      file: path, settings: TokenizerSettings(folder: folder.joined(separator: "/")))
  }

  /// The tokenizer in a folder: `tokenizer.json`, else `tokenizer.model`, else `tokenizer.gguf` or
  /// the only .gguf file, with the settings of the Hugging Face files beside it.
  package init(directory: String) throws {
    let settings = try TokenizerSettings(folder: directory)
    for name in ["tokenizer.json", "tokenizer.model"] {
      let path = directory + "/" + name
      guard TokenizerSettings.exists(path) else { continue }
      self = try Tokenizer(file: path, settings: settings)
      return
    }
    guard let path = Self.vocabularyFile(in: directory) else {
      throw TokenizationError.missing(
        source: directory,
        reason: "no tokenizer here (looked for tokenizer.json, tokenizer.model, tokenizer.gguf). "
          + Self.adviceOnMissing(in: directory))
    }
    self = try Tokenizer(gguf: GGUFVocabulary(GGUFFile(path: path)), source: path)
  }

  /// Older models, OPT among them, were published with GPT-2's pair of files only.
  private static func adviceOnMissing(in directory: String) -> String {
    guard TokenizerSettings.exists(directory + "/vocab.json"),
      TokenizerSettings.exists(directory + "/merges.txt")
    else { return "Copy the tokenizer files of the model into this folder." }
    return "vocab.json and merges.txt do not say how text is cut into words: let transformers "
      + "write a tokenizer.json (AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER))."
  }

  /// `tokenizer.gguf`, or a model that is the folder's only .gguf file.
  private static func vocabularyFile(in directory: String) -> String? {
    let own = directory + "/tokenizer.gguf"
    if TokenizerSettings.exists(own) { return own }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    let models = names.filter { $0.hasSuffix(".gguf") }
    return models.count == 1 ? directory + "/" + models[0] : nil
  }

  private init(file path: String, settings: TokenizerSettings) throws {
    let bytes = try TokenizerSettings.bytes(ofFile: path)
    var definition =
      bytes.first { $0 > 0x20 } == UInt8(ascii: "{") && !path.hasSuffix(".model")
      ? try TokenizerJSON.definition(parsing: bytes, source: path)
      : try Self.sentencePiece(bytes, settings, source: path)
    settings.apply(to: &definition)
    self = try definition.tokenizer(source: path)
  }

  private static func sentencePiece(
    _ bytes: [UInt8], _ settings: TokenizerSettings, source: String
  ) throws(TokenizationError) -> TokenizerDefinition {
    let file = try SentencePieceFile(parsing: bytes, source: source)
    func id(_ number: Int) -> Int32? {
      file.pieces.indices.contains(number) ? Int32(number) : nil
    }
    let vocabulary = SentencePieceVocabulary(
      pieces: file.pieces, unknownID: id(file.unknownID), addsDummyPrefix: file.addsDummyPrefix,
      prefixOnlyAtStart: settings.isLegacy == false, removesExtraSpaces: file.removesExtraSpaces)
    var definition = try vocabulary.definition(source: source)
    let known = Set(definition.addedTokens.map(\.id))
    definition.addedTokens += settings.addedTokens.filter { !known.contains($0.id) }
    (definition.bosID, definition.eosID) = (id(file.bosID), id(file.eosID))
    definition.paddingID = id(file.paddingID)
    if settings.addsBOS ?? true { definition.prefix = [definition.bosID].compactMap(\.self) }
    if settings.addsEOS ?? false { definition.suffix = [definition.eosID].compactMap(\.self) }
    definition.fingerprintParts = [
      bytes, Array("\(definition.prefix) \(definition.suffix) \(settings.isLegacy ?? true)".utf8),
    ]
    definition.fingerprintParts += settings.addedTokens.map { Array("\($0)".utf8) }
    return definition
  }
}
