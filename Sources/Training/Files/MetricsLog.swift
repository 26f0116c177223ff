internal import Checkpoints
internal import JSONText

/// `metrics.jsonl` and `metrics.csv`: one record per line, appended as the run goes.
///
/// A run that continues from step N first drops what stands beyond N, and a line that was cut
/// short, so the files read as if the run had never stopped.
final class MetricsLog {
  /// Columns of the CSV file, in this order for good.
  static let columns = [
    "step", "epoch", "loss", "grad_norm", "learning_rate", "eval_loss", "perplexity",
    "tokens_per_second", "num_input_tokens_seen", "supervised_tokens_seen", "step_time",
    "comm_time", "rank_time_min", "rank_time_max", "rss_private_gb", "rss_shared_gb",
    "scale_drift_rms", "train_runtime", "comm_bytes", "save_time",
  ]

  private let jsonl: LineFile?
  private let csv: LineFile?

  /// - Parameter step: the step to continue from; 0 starts new files.
  init(folder: String, formats: [String], continuingFrom step: Int) throws {
    jsonl =
      formats.contains("jsonl")
      ? try LineFile(path: "\(folder)/metrics.jsonl", header: nil) { line in
        guard step > 0, let value = try? JSONValue(parsing: line), let at = value["step"]?.int
        else {
          return false
        }
        return at <= step
      } : nil
    csv =
      formats.contains("csv")
      ? try LineFile(path: "\(folder)/metrics.csv", header: Self.columns.joined(separator: ",")) {
        guard step > 0, let at = $0.split(separator: ",").first.flatMap({ Int($0) }) else {
          return false
        }
        return at <= step
          && $0.split(separator: ",", omittingEmptySubsequences: false).count
            == Self.columns.count
      } : nil
  }

  /// - Parameter record: an object of numbers with a member `step`.
  /// - Throws: where a file cannot take it; the record is kept then, and goes before the next one.
  func append(_ record: JSONValue) throws(CheckpointError) {
    let cells = Self.columns.map { record[$0]?.text() ?? "" }
    csv?.add(cells.joined(separator: ","))
    jsonl?.add(record.text())
    try jsonl?.write()
    try csv?.write()
  }
}

/// A text file that grows by whole lines.
private final class LineFile {
  private let file: OpenFile
  /// Lines that the file has not taken yet.
  private var waiting: [String] = []

  /// Rewrites the file to the header and those of its whole lines that `keep` accepts.
  init(path: String, header: String?, keep: (String) -> Bool) throws {
    var lines = header.map { [$0] } ?? []
    if Folder.exists(path) {
      let text = String(decoding: try OpenFile.contents(of: path), as: UTF8.self)
      let whole = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
      lines += whole.map(String.init).filter(keep)
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
