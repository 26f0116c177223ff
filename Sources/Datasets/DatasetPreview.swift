internal import Checkpoints
package import JSONText

/// What a data file holds, for a look before it is used.
package struct DatasetPreview: Sendable {
  package var path: String
  package var type: DatasetType
  package var bytes: Int
  /// Records, or lines of plain text.
  package var records: Int
  /// The first records as they stand; plain text has none.
  package var first: [JSONValue] = []
  /// The beginning of plain text.
  package var beginning = ""

  /// Reads the whole file once; `count` records are kept.
  package init(path: String, type: DatasetType = .auto, count: Int = 3) throws {
    let source = try SourceFile(path: path)
    self.path = path
    self.type = try source.resolvedType(type)
    let contents = source.file.bytes
    bytes = contents.count
    if source.isPlainText(as: self.type) {
      records = contents.count { $0 == UInt8(ascii: "\n") }
      beginning = String(decoding: contents.prefix(200), as: UTF8.self)
      return
    }
    guard var reader = source.records else {
      records = 0
      return
    }
    while first.count < count, let record = try reader.next() { first.append(record.value) }
    records = first.count + (first.count < count ? 0 : try reader.countRemaining())
  }
}
