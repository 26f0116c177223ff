internal import Checkpoints
internal import Foundation
internal import JSONText

/// A mapped data file of a source, and whether it holds records or plain text.
struct SourceFile {
  let path: String
  let file: MappedFile
  private let largestRecord: Int

  init(
    path: String, largestRecord: Int = DatasetSettings.defaultLargestRecord
  ) throws(CheckpointError) {
    self.path = path
    self.largestRecord = largestRecord
    file = try MappedFile(path: path)
    file.advise(.sequential)
  }

  /// Nil where the file has nothing but white space.
  var records: RecordReader? { RecordReader(file, path: path, largestRecord: largestRecord) }

  /// Decides reading together with the bytes, so the cache key has it.
  var pathExtension: String { (path as NSString).pathExtension.lowercased() }

  private var isNamedJSON: Bool { ["json", "jsonl", "ndjson"].contains(pathExtension) }
  private var isNamedText: Bool {
    ["txt", "text", "raw", "tokens", "md"].contains(pathExtension)
  }

  /// By name where that is clear, else by content: text that starts with an object, or an array of
  /// objects, holds records.
  func isPlainText(as type: DatasetType) -> Bool {
    switch type {
    case .text, .auto:
      if isNamedJSON { return false }
      return isNamedText || firstRecord?.members == nil
    default: return false
    }
  }

  private var firstRecord: JSONValue? {
    var reader = records
    return (try? reader?.next())??.value
  }

  /// The type of the source this file is the first of.
  func resolvedType(_ type: DatasetType) throws(DatasetError) -> DatasetType {
    guard type == .auto else { return type }
    if isPlainText(as: .auto) { return .text }
    var reader = records
    guard let record = try reader?.next() else { return .text }
    guard let detected = DatasetType.detected(from: record.value) else {
      let keys = (record.value.members ?? []).prefix(8).map(\.key).joined(separator: ", ")
      throw .malformed(
        location: record.location.text(path: path),
        reason: "no type fits \(keys.isEmpty ? record.value.kind : "the keys \(keys)"); name the "
          + "type of the data set, or rename the keys")
    }
    return detected
  }
}
