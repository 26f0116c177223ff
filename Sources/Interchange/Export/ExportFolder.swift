internal import Checkpoints

/// Where an export appears: a directory, or a .gguf file with its model card beside it.
struct ExportFolder {
  static let ggufName = "model.gguf"
  private static let cardName = "README.md"
  private static let ollamaName = "Modelfile"

  let path: String
  private let options: ExportOptions
  private var isFile: Bool { options.format == .gguf && path.hasSuffix(".gguf") }

  init(_ path: String, _ options: ExportOptions) {
    (self.path, self.options) = (path, options)
  }

  /// Throws where something stands there that must not be replaced.
  func check() throws {
    if isFile {
      for name in [path, beside(Self.cardName), beside(Self.ollamaName)]
      where Folder.exists(name) && !options.overwrite {
        throw CheckpointError.exists(path: name)
      }
    } else {
      try StagedDirectory.check(path, overwrite: options.overwrite, Self.isExport)
    }
  }

  func stage() throws -> StagedDirectory {
    isFile
      ? try StagedDirectory(path: path + ".export", overwrite: false) { _ in false }
      : try StagedDirectory(
        path: path, overwrite: options.overwrite, isReplaceable: Self.isExport)
  }

  func publish(_ staged: StagedDirectory) throws {
    guard isFile else { return try staged.commit() }
    let moves = [
      (Self.cardName, beside(Self.cardName)), (Self.ollamaName, beside(Self.ollamaName)),
      (Self.ggufName, path),
    ]
    for (name, target) in moves {
      let from = staged.temporary + "/" + name
      guard Folder.exists(from) else { continue }
      try Folder.rename(from, to: target)
    }
    staged.discard()
  }

  /// `model.gguf` -> `model.README.md`.
  private func beside(_ name: String) -> String {
    String(path.dropLast(".gguf".count)) + "." + name
  }

  /// A directory that an export has made: its card says so.
  private static func isExport(_ path: String) -> Bool {
    guard let text = try? OpenFile.contents(of: path + "/" + cardName) else { return false }
    return String(decoding: text.prefix(4096), as: UTF8.self).contains(ModelCard.mark)
  }
}
