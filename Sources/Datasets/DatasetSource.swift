internal import Foundation

/// One entry of `datasets:` in a run file.
package struct DatasetSource: Sendable, Equatable {
  /// A file, a directory, or a pattern with `*` or `?` in its last component.
  package var path: String
  package var type: DatasetType
  package var split: DatasetSplit

  package init(path: String, type: DatasetType = .auto, split: DatasetSplit = .all) {
    self.path = path
    self.type = type
    self.split = split
  }
}

extension DatasetSource {
  private static let readable = [
    "json", "jsonl", "ndjson", "txt", "text", "raw", "tokens", "md",
  ]
  private static let heldOut = ["test", "valid", "validation", "val", "dev", "eval"]

  /// The files of the source in byte order of their names.
  ///
  /// A split name picks files called after it (`test.json`, `test-00000-of-00002.jsonl`). Without
  /// one a directory gives its `train` files, or, where it has none, all that are not called after
  /// a held-out split.
  func files() throws(DatasetError) -> [String] {
    var isDirectory: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) {
      return isDirectory.boolValue ? try directoryFiles() : [try singleFile()]
    }
    guard path.contains("*") || path.contains("?") else {
      throw .missing(path: path, reason: "there is no such file or directory")
    }
    let folder = (path as NSString).deletingLastPathComponent
    let pattern = (path as NSString).lastPathComponent
    let names = try Self.names(in: folder.isEmpty ? "." : folder).filter {
      fnmatch(pattern, $0, FNM_PERIOD) == 0
    }
    guard !names.isEmpty else { throw .missing(path: path, reason: "no file matches the pattern") }
    return names.map { folder.isEmpty ? $0 : (folder as NSString).appendingPathComponent($0) }
  }

  /// The path, where it is one file of plain text, or of a record with `text` a line; else nil.
  ///
  /// - Throws: `DatasetError`, also where the type is to be found and none fits; `CheckpointError`.
  package func textFile() throws -> String? {
    let files = try files()
    guard files == [path], split == .all else { return nil }
    let file = try SourceFile(path: path)
    let isLines = ["jsonl", "ndjson"].contains(file.pathExtension)
    guard isLines || file.isPlainText(as: type) else { return nil }
    return try file.resolvedType(type) == .text ? path : nil
  }

  private func singleFile() throws(DatasetError) -> String {
    let name = (path as NSString).lastPathComponent
    let fits = split.name.isEmpty || split.name == "train" || Self.name(name, isOf: split.name)
    guard fits else {
      throw .badSetting(
        key: "datasets.split",
        reason: "\(path) is one file, its split is train, not \"\(split.name)\"")
    }
    return path
  }

  private func directoryFiles() throws(DatasetError) -> [String] {
    let names = try Self.names(in: path).filter {
      Self.readable.contains(($0 as NSString).pathExtension.lowercased())
    }
    let wanted = split.name.isEmpty ? "train" : split.name
    var chosen = names.filter { Self.name($0, isOf: wanted) }
    if chosen.isEmpty, wanted == "train" {
      chosen = names.filter { name in !Self.heldOut.contains { Self.name(name, isOf: $0) } }
    }
    guard !chosen.isEmpty else {
      let seen = names.isEmpty ? "none" : names.prefix(8).joined(separator: ", ")
      throw .missing(
        path: path,
        reason: "the directory has no data file of split \"\(wanted)\"; files found: \(seen)")
    }
    return chosen.map { (path as NSString).appendingPathComponent($0) }
  }

  private static func names(in folder: String) throws(DatasetError) -> [String] {
    do {
      let names = try FileManager.default.contentsOfDirectory(atPath: folder)
      return names.filter { name in
        var isDirectory: ObjCBool = false
        let path = (folder as NSString).appendingPathComponent(name)
        return !name.hasPrefix(".")
          && FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
          && !isDirectory.boolValue
      }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    } catch {
      throw .missing(path: folder, reason: "the directory cannot be listed")
    }
  }

  /// Whether a file is called after a split: `train.json`, `train-00000.jsonl`, `train_v2.json`.
  private static func name(_ file: String, isOf split: String) -> Bool {
    let file = file.lowercased()
    let split = split.lowercased()
    guard file.hasPrefix(split) else { return false }
    guard let next = file.dropFirst(split.count).first else { return true }
    return next == "." || next == "-" || next == "_"
  }
}
