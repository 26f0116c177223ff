internal import Checkpoints
internal import Datasets
internal import JSONText

/// The text whose perplexity is measured, as one piece.
package enum PerplexityText {
  /// A text file as it is; of a file `*.jsonl` or `*.ndjson` the members `text` of its records, as
  /// C4 has them, with an empty line between.
  ///
  /// - Throws: `.textTooLong`, `DatasetError` where a record has no such string.
  package static func bytes(ofFile path: String) throws -> [UInt8] {
    let file = try MappedFile(path: path)
    guard file.bytes.count <= TextPerplexity.longestText else {
      throw EvaluationError.textTooLong(bytes: file.bytes.count)
    }
    let isRecords = [".jsonl", ".ndjson"].contains { path.lowercased().hasSuffix($0) }
    guard isRecords else { return withExtendedLifetime(file) { Array(file.bytes) } }
    var reader = RecordReader(file, path: path, opensTasks: false)
    var texts: [String] = []
    while let record = try reader?.next() {
      guard let text = record.value["text"]?.string else {
        throw DatasetError.malformed(
          location: record.location.text(path: path), reason: "no string \"text\" in this record")
      }
      texts.append(text)
    }
    return Array(texts.joined(separator: "\n\n").utf8)
  }
}
