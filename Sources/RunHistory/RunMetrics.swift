package import JSONText

/// One value of a curve.
package struct MetricPoint: Sendable, Equatable {
  package var step: Int
  package var value: Double

  package init(step: Int, value: Double) { (self.step, self.value) = (step, value) }
}

/// What stands in a `metrics.jsonl`, curve by curve.
///
/// No line is believed: one that is no JSON object, has no step from 0 to 2^53 or is longer than a
/// megabyte is counted and passed over, and so is a value that is no number. (JSON has only finite
/// ones.) A last line without its end is one that is being written, and no fault. The steps of a
/// curve rise: a record replaces what stands at its step or beyond.
package struct RunMetrics: Sendable, Equatable {
  private var curves: [MetricKey: [MetricPoint]] = [:]
  /// Scores on tasks, in the order in which they come up.
  package internal(set) var tasks: [TaskCurve] = []
  /// The largest step of the newest record; nil before the first.
  package private(set) var lastStep: Int?
  /// Lines that could not be used.
  package private(set) var badLines = 0
  /// The text ended within a line.
  package private(set) var isCutShort = false

  private static let longestLine = 1 << 20

  /// - Parameter recent: so many lines at the end are read, and of those before them evaluations
  ///   alone: a table of runs needs no more, and most of the time goes into the others.
  package init(parsing bytes: [UInt8], recent: Int = .max) {
    let newline = UInt8(ascii: "\n")
    var start = recent == .max ? 0 : Self.start(ofLast: recent, in: bytes)
    addEvaluations(in: bytes[..<start])
    while let end = bytes[start...].firstIndex(of: newline) {
      add(line: bytes[start..<end])
      start = end + 1
    }
    isCutShort = start < bytes.count
  }

  private static func start(ofLast count: Int, in bytes: [UInt8]) -> Int {
    var left = count
    for index in bytes.indices.reversed() where bytes[index] == UInt8(ascii: "\n") {
      // The end of a line ends the one before the last `count`.
      if left == 0 { return index + 1 }
      left -= 1
    }
    return 0
  }

  /// Takes the lines that name the loss of an evaluation.
  private mutating func addEvaluations(in bytes: ArraySlice<UInt8>) {
    let name = Array("\"\(MetricKey.evalLoss.rawValue)\"".utf8)
    var start = bytes.startIndex
    while let found = Self.first(name, in: bytes[start...]) {
      let begin = bytes[start..<found].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? start
      let end = bytes[found...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.endIndex
      add(line: bytes[begin..<end])
      start = min(end + 1, bytes.endIndex)
    }
  }

  private static func first(_ name: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
    bytes.withUnsafeBytes { text in
      guard text.count >= name.count else { return nil }
      return (0...(text.count - name.count)).first { place in
        text[place] == name[0] && text[place..<(place + name.count)].elementsEqual(name)
      }.map { bytes.startIndex + $0 }
    }
  }

  /// The points of a curve, steps rising; empty where there are none.
  package subscript(_ key: MetricKey) -> [MetricPoint] { curves[key] ?? [] }

  /// The newest point of a curve.
  package func last(_ key: MetricKey) -> MetricPoint? { curves[key]?.last }

  /// The evaluation with the least loss.
  package var bestEvaluation: MetricPoint? { self[.evalLoss].min { $0.value < $1.value } }

  /// Takes a whole line, without its end.
  private mutating func add(line: some Collection<UInt8>) {
    if line.isEmpty { return }
    guard line.count <= Self.longestLine,
      let record = try? JSONValue(parsing: Array(line), maximumValues: 1000), add(record)
    else {
      badLines += 1
      return
    }
  }

  /// Takes a record; false where it cannot be used.
  package mutating func add(_ record: JSONValue) -> Bool {
    guard let step = record[MetricKey.step]?.count else { return false }
    lastStep = step
    for member in record.members ?? [] {
      guard let key = MetricKey(rawValue: member.key), let value = member.value.double else {
        continue
      }
      while let last = curves[key]?.last, last.step >= step { curves[key]?.removeLast() }
      curves[key, default: []].append(MetricPoint(step: step, value: value))
    }
    if record[MetricKey.taskRuntime] != nil { tasks.add(record, step: step) }
    return true
  }
}
