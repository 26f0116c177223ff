package import Checkpoints
package import JSONText

/// Reads the records of one JSON or JSONL file in order, one at a time.
package struct RecordReader {
  /// As the user wrote it, for messages.
  let path: String
  private let file: MappedFile
  private var scanner: RecordScanner
  /// Bytes of the largest record that is parsed.
  private let largestRecord: Int
  /// Instances of a Super-NaturalInstructions task are records; else the task is one.
  private let opensTasks: Bool
  /// Line of `countedTo`, from 1; kept so that line numbers cost one pass over the file.
  private var line = 1
  private var countedTo = 0
  /// Instances of the Super-NaturalInstructions task met last that are still to be given.
  private var instances: [JSONValue] = []
  private var nextInstance = 0

  package struct Record {
    package var value: JSONValue
    package var location: RecordLocation
    /// Bytes of the file read so far.
    var bytesRead: Int
  }

  /// Nil where the file has nothing but white space.
  package init?(
    _ file: MappedFile, path: String,
    largestRecord: Int = DatasetSettings.defaultLargestRecord, opensTasks: Bool = true
  ) {
    guard let layout = RecordScanner.layout(of: file.bytes) else { return nil }
    self.file = file
    self.opensTasks = opensTasks
    self.path = path
    self.largestRecord = largestRecord
    scanner = RecordScanner(layout: layout, bytes: file.bytes)
  }

  var isLines: Bool { scanner.layout == .lines }

  package mutating func next() throws(DatasetError) -> Record? {
    if let record = taskRecord() { return record }
    let index = scanner.found
    guard let range = try advance() else { return nil }
    let location =
      isLines
      ? RecordLocation(kind: .line, number: lineNumber(at: range.lowerBound))
      : RecordLocation(kind: .element, number: index)
    let value = try parse(range, index)
    if opensTasks, let task = try taskInstances(value) {
      (instances, nextInstance) = (task, 0)
      return taskRecord()
    }
    return Record(value: value, location: location, bytesRead: range.upperBound)
  }

  /// Number of records from here on; parses only what can hide several.
  mutating func countRemaining() throws(DatasetError) -> Int {
    guard try next() != nil else { return 0 }
    var count = 1
    if instances.isEmpty {
      while try advance() != nil { count += 1 }
    } else {
      while try next() != nil { count += 1 }
    }
    return count
  }

  private mutating func advance() throws(DatasetError) -> Range<Int>? {
    switch withExtendedLifetime(file, { scanner.next(file.bytes) }) {
    case .record(let range): return range
    case .end: return nil
    case .fault(let offset, let reason):
      throw .malformed(
        location: "\(path):\(lineNumber(at: offset))", reason: "element \(scanner.found): \(reason)"
      )
    }
  }

  /// A value takes up to 96 bytes of memory while it is parsed, so this bounds values to about six
  /// times the memory of the largest text.
  private var mostValues: Int { max(largestRecord / 16, 1024) }

  private mutating func parse(
    _ range: Range<Int>, _ number: Int
  ) throws(DatasetError) -> JSONValue {
    guard range.count <= largestRecord else {
      throw tooLarge("\(range.count) bytes; at most \(largestRecord)", at: range.lowerBound)
    }
    do throws(JSONSyntaxError) {
      return try JSONValue(
        parsing: UnsafeRawBufferPointer(rebasing: file.bytes[range]), maximumValues: mostValues)
    } catch {
      guard !error.exceedsLimit else {
        throw tooLarge("\(error.message); no more", at: range.lowerBound)
      }
      let line = lineNumber(at: range.lowerBound) + error.line - 1
      let element = isLines || scanner.layout == .document ? "" : "element \(number): "
      throw .malformed(
        location: "\(path):\(line)",
        reason: "\(element)not JSON: column \(error.column): \(error.message)")
    }
  }

  private mutating func tooLarge(_ what: String, at offset: Int) -> DatasetError {
    .malformed(
      location: "\(path):\(lineNumber(at: offset))",
      reason: "a record of \(what) are read. Split the record, or raise max_record_bytes.")
  }

  private mutating func lineNumber(at offset: Int) -> Int {
    if offset < countedTo { (line, countedTo) = (1, 0) }
    line += file.bytes[countedTo..<offset].count { $0 == UInt8(ascii: "\n") }
    countedTo = offset
    return line
  }
}

extension RecordReader {
  /// The instances of a Super-NaturalInstructions task, each with the task's definition.
  private func taskInstances(_ document: JSONValue) throws(DatasetError) -> [JSONValue]? {
    guard let definition = document["Definition"], let list = document["Instances"] else {
      return nil
    }
    guard let elements = list.array else {
      throw .malformed(location: path, reason: "\"Instances\" is \(list.kind), not an array")
    }
    return elements.map { instance in
      guard case .object(var members) = instance else { return instance }
      members.append(JSONValue.Member(key: "Definition", value: definition))
      return .object(members)
    }
  }

  private mutating func taskRecord() -> Record? {
    guard nextInstance < instances.count else { return nil }
    defer { nextInstance += 1 }
    return Record(
      value: instances[nextInstance],
      location: RecordLocation(kind: .element, number: nextInstance),
      bytesRead: scanner.position)
  }
}
