internal import Checkpoints
internal import JSONText
internal import RunHistory

/// `metrics.jsonl`, `metrics.csv` and event files of TensorBoard, appended as the run goes.
///
/// A run that continues from step N first drops what stands beyond N, evaluations at N that its
/// checkpoint does not know of, and a line that was cut short, so the files read as if the run had
/// never stopped.
final class MetricsLog {
  /// Scores of tasks stand behind them.
  private static let columns = [MetricKey.step] + MetricKey.columns.map(\.rawValue)

  private let jsonl: LineFile?
  private let csv: LineFile?
  /// Members of a record that the CSV file has, in order.
  private let members: [String]
  private let tensorboard: EventFile?

  private static let tensorboardFormat = "tensorboard"
  /// What `report_to` may list.
  static let formats = ["jsonl", "csv", tensorboardFormat]

  /// - Parameters:
  ///   - step: the step to continue from; 0 starts new files.
  ///   - known: the newest records that the checkpoint has, those of `step` among them.
  ///   - tasks: names of scores that stand behind the other columns.
  init(
    folder: String, formats: [String], continuingFrom step: Int, known: [JSONValue],
    tasks: [String]
  ) throws {
    let members = Self.columns + tasks
    self.members = members
    let known = known.filter { $0[MetricKey.step]?.int == step }
    // A comma would be the end of a column; names of parts may have one.
    let header = members.map { $0.replacing(",", with: "_") }
    jsonl =
      formats.contains("jsonl")
      ? try LineFile(path: "\(folder)/\(RunFile.metrics)", header: nil) { lines in
        lines.filter { line in
          guard let value = try? JSONValue(parsing: line), let at = value[MetricKey.step]?.int
          else {
            return false
          }
          return step > 0 && (at < step || known.contains(value))
        }
      } : nil
    csv =
      formats.contains("csv")
      ? try LineFile(
        path: "\(folder)/\(RunFile.metricsTable)", header: header.joined(separator: ",")
      ) {
        Self.rows($0, upTo: step, known: known.map { Self.row($0, members) }, under: header)
      } : nil
    tensorboard =
      formats.contains(Self.tensorboardFormat)
      ? try EventFile(folder: "\(folder)/\(RunFile.tensorboard)", continuingFrom: step) : nil
  }

  /// The rows of a CSV file that stay, their cells under the columns of `header`: a run may go on
  /// with other tasks.
  private static func rows(
    _ lines: [String], upTo step: Int, known: [String], under header: [String]
  ) -> [String] {
    func cells(_ line: String) -> [String] {
      line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    guard step > 0, let former = lines.first.map(cells) else { return [] }
    let places = header.map { former.firstIndex(of: $0) }
    return lines.dropFirst().map(cells).compactMap { row in
      guard row.count == former.count, let at = Int(row[0]), at <= step else { return nil }
      let line = places.map { $0.map { row[$0] } ?? "" }.joined(separator: ",")
      return at < step || known.contains(line) ? line : nil
    }
  }

  /// A record under the columns of the CSV file.
  private static func row(_ record: JSONValue, _ members: [String]) -> String {
    members.map { name in
      guard let value = record[name], value != .null else { return "" }
      return value.text()
    }.joined(separator: ",")
  }

  /// - Parameter record: an object of numbers with a member `step`.
  /// - Throws: where a file cannot take it; the record is kept then, and goes before the next one.
  func append(_ record: JSONValue) throws(CheckpointError) {
    csv?.add(Self.row(record, members))
    jsonl?.add(record.text())
    tensorboard?.add(record)
    try jsonl?.write()
    try csv?.write()
    try tensorboard?.write()
  }
}

/// A text file that grows by whole lines.
private final class LineFile {
  private let file: OpenFile
  /// Lines that the file has not taken yet.
  private var waiting: [String] = []

  /// Rewrites the file to the header and what `keep` makes of its whole lines.
  init(path: String, header: String?, keep: ([String]) -> [String]) throws {
    var lines = header.map { [$0] } ?? []
    if Folder.exists(path) {
      let text = String(decoding: try OpenFile.contents(of: path), as: UTF8.self)
      let whole = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
      lines += keep(whole.map(String.init))
    }
    try AtomicFile.write(lines.map { $0 + "\n" }.joined(), to: path)
    file = try OpenFile(path, .appending)
  }

  func add(_ line: String) { waiting.append(line) }

  func write() throws(CheckpointError) {
    while let line = waiting.first {
      try file.append(Array((line + "\n").utf8))
      waiting.removeFirst()
    }
  }
}
