internal import Checkpoints
internal import DecoderModel
internal import JSONText

/// The files of a base beside its weights: configuration and tokenizer.
enum SidecarFiles {
  /// Throws where the model has no tokenizer: a base without one could not be trained or used.
  static func requireTokenizer(_ source: ModelSource) throws {
    switch source.format {
    case .huggingFace:
      let names = ModelFiles.essentialTokenizerNames + [ModelFiles.tokenizerGGUF]
      if names.contains(where: { Folder.exists(source.path + "/" + $0) }) { return }
      throw ModelFileError.missing(
        path: source.path,
        remedy: "no tokenizer: expected one of \(names.joined(separator: ", ")). "
          + "Copy it from where the model comes from.")
    case .gguf:
      if let file = source.files as? GGUFFile, file["tokenizer.ggml.tokens"]?.array != nil {
        return
      }
      throw ModelFileError.missing(
        path: source.path, remedy: "the file holds no tokenizer (tokenizer.ggml.tokens).")
    }
  }

  /// Nobody reads them here; an export hands them back.
  private static let passedOn = [
    "quantize_config.json", "README.md", "LICENSE", "recipe.yaml", SafetensorsDirectory.indexName,
  ]

  /// Keeps what an imported directory has beside the model, for an export.
  static func passOn(_ source: ModelSource, to directory: String) throws {
    guard source.format == .huggingFace else { return }
    let names = passedOn.filter { Folder.exists(source.path + "/" + $0) }
    guard !names.isEmpty else { return }
    let folder = directory + "/" + SourceRecord.folder
    try Folder.make(folder)
    for name in names {
      try AtomicFile.write(
        try OpenFile.contents(of: source.path + "/" + name), to: folder + "/" + name)
    }
  }

  static func write(_ source: ModelSource, to directory: String) throws {
    switch source.format {
    case .huggingFace:
      for name in ["config.json"] + ModelFiles.tokenizerNames
      where Folder.exists(source.path + "/" + name) {
        try AtomicFile.write(
          try OpenFile.contents(of: source.path + "/" + name), to: directory + "/" + name)
      }
    case .gguf:
      guard let file = source.files as? GGUFFile else { return }
      try AtomicFile.write(
        config(source, file).text(indent: 2) + "\n", to: directory + "/config.json")
      try GGUFWriter.write(
        metadata: file.metadata, to: directory + "/" + ModelFiles.tokenizerGGUF)
    }
  }

  private static func config(_ source: ModelSource, _ file: GGUFFile) -> JSONValue {
    var members = source.config.huggingFaceJSON.members ?? []
    for name in ["bos", "eos"] {
      if let id = file["tokenizer.ggml.\(name)_token_id"]?.int {
        members.append(.init(key: "\(name)_token_id", value: .integer(id)))
      }
    }
    return .object(members)
  }
}
