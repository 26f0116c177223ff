package import Checkpoints
internal import DecoderModel
internal import Foundation
internal import JSONText
internal import Tokenization

/// The metadata of a GGUF file for a model whose Hugging Face files lie in a directory: a base or a
/// published model. The inverse of `DecoderConfig(gguf:)` and `GGUFVocabulary(_:)`.
///
/// Keys and values are those that llama.cpp's conversion writes, with a few more where it leaves a
/// default unsaid (`rope.freq_base`, `rope.dimension_count`, sizes of heads): readers take them for
/// every architecture. Before anything large is written, the entries are read back, and what would
/// make another model of this one is refused: `GGUFMetadata+ReadBack.swift`.
///
/// Sources: ggml/docs/gguf.md, gguf-py's constants, and what convert_hf_to_gguf.py does.
package struct GGUFMetadata: Sendable {
  /// In the order of the file; for `GGUFWriter`.
  package let entries: [GGUFEntry]
  /// The numbers of the tensor `ropeFactorsName`, F32, one for each pair that turns: what LLaMA 3's
  /// scaling divides the frequencies by. Nil where the file has no such tensor.
  package let ropeFactors: [Float]?
  /// What the file does not say and most uses do not need, a sentence each.
  package let notes: [String]

  /// The same with another `general.file_type`, for files whose types are known last.
  func entries(fileType: UInt32) -> [GGUFEntry] {
    entries.map {
      $0.key == Self.fileTypeKey ? GGUFEntry(key: $0.key, value: .uint32(fileType)) : $0
    }
  }

  private static let fileTypeKey = "general.file_type"
  package static let ropeFactorsName = "rope_freqs.weight"
  /// Of the layouts of quantized blocks, all of them.
  private static let quantizationVersion = 2

  /// `fileType` is `general.file_type`, a number of llama.cpp's `LLAMA_FTYPE`. `name` and `license`
  /// are found where they are not given: the name in the tokenizer's GGUF file or the directory's
  /// own, the license in that file or in the front matter of README.md.
  ///
  /// Throws `ModelFileError` for models and tokenizers that llama.cpp does not know.
  package init(
    directory: String, fileType: UInt32, name: String? = nil, license: String? = nil
  ) throws {
    let path = directory + "/config.json"
    let json = try ModelFiles.json(path)
    let config = try DecoderConfig(huggingFace: json, path: path)
    let architecture = try Self.architecture(of: config, path: path)
    let source = try GGUFTokenizerSource(directory: directory, config: config, json: json)

    let name = name ?? source.text("general.name") ?? Self.lastComponent(of: directory)
    let license = license ?? source.text("general.license") ?? Self.license(in: directory)
    var list = GGUFEntryList()
    list.text("general.architecture", architecture)
    list.text("general.type", "model")
    list.text("general.name", name)
    list.text("general.license", license)
    list.add(try Self.shape(of: config, json: json, prefix: architecture, path: path))
    list.integer(Self.fileTypeKey, Int(fileType))
    list.integer("general.quantization_version", Self.quantizationVersion)
    let lost = try Self.lost(reading: list.entries, config: config, path: path)
    list.add(source.vocabulary.entries)

    entries = list.entries
    ropeFactors = try Self.ropeFactors(config, architecture: architecture, path: path)
    notes = lost + source.notes
  }

  private static func architecture(of config: DecoderConfig, path: String) throws -> String {
    let family = Family.all.first { $0.modelType == config.modelType }
    if let name = family?.ggufArchitecture { return name }
    let known = Family.all.filter { $0.ggufArchitecture != nil }.map(\.modelType)
    throw ModelFileError.unsupported(
      path: path,
      detail: "llama.cpp has no architecture for \"\(config.modelType)\", so GGUF cannot hold it. "
        + "Export it as gptq or compressed-tensors. GGUF holds \(known.joined(separator: ", ")).")
  }

  private static func lastComponent(of directory: String) -> String {
    URL(fileURLWithPath: directory).standardizedFileURL.lastPathComponent
  }

  /// `license:` of the front matter that model cards begin with.
  static func license(in directory: String) -> String? {
    let path = directory + "/README.md"
    guard FileManager.default.fileExists(atPath: path),
      let bytes = try? OpenFile.contents(of: path)
    else { return nil }
    let lines = String(decoding: bytes, as: UTF8.self).split(
      omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    guard lines.first == "---" else { return nil }
    let key = "license:"
    let line = lines.dropFirst().prefix { $0 != "---" }.first { $0.hasPrefix(key) }
    let value = line?.dropFirst(key.count).trimmingCharacters(in: .whitespaces)
    return value.flatMap { $0.isEmpty ? nil : $0 }
  }
}

/// Entries with the widths that gguf-py gives them. An absent value makes no entry.
struct GGUFEntryList {
  private(set) var entries: [GGUFEntry] = []

  mutating func add(_ others: [GGUFEntry]) { entries += others }

  mutating func put(_ key: String, _ value: GGUFValue?) {
    if let value { entries.append(GGUFEntry(key: key, value: value)) }
  }

  /// Sizes and ids, none of which is negative.
  mutating func integer(_ key: String, _ value: Int?) {
    put(key, value.map { .uint32(UInt32(clamping: $0)) })
  }

  mutating func real(_ key: String, _ value: Double?) {
    put(key, value.map { .float32(Float($0)) })
  }

  mutating func flag(_ key: String, _ value: Bool?) { put(key, value.map { .bool($0) }) }
  mutating func text(_ key: String, _ value: String?) { put(key, value.map { .text($0) }) }
}
