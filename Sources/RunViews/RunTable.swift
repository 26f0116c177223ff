package import Foundation
package import JSONText
internal import Reporting
package import RunHistory

/// Runs side by side, a line each.
package struct RunTable {
  package enum Key: String, CaseIterable, Sendable {
    case name, state, step, loss, eval, speed, left, host, age
  }

  package struct Row: Sendable {
    /// The folder, as seen from where it was looked for.
    package var name: String
    package var state: RunState
    package var step: Int
    package var totalSteps: Int?
    package var loss: Double?
    /// The best so far.
    package var evaluation: Double?
    package var tokensPerSecond: Double?
    package var secondsLeft: Double?
    package var host: String?
    /// Seconds since it was last heard of.
    package var age: Double?
    /// What is wrong with the folder or the run, in a sentence.
    package var problem: String?
  }

  package private(set) var rows: [Row] = []

  /// - Parameters:
  ///   - folders: output folders; one that cannot be read is a row that says so.
  ///   - root: what is left out in front of names.
  package init(_ folders: [String], below root: String, now: Date = Date()) {
    rows = folders.map { folder in
      let name = Self.name(folder, below: root)
      do {
        return Row(try RunRecord(folder: folder, recent: Self.recentLines), name: name, now: now)
      } catch {
        return Row(name: name, state: .unknown, step: 0, problem: "\(error)")
      }
    }
  }

  /// One run that has been read.
  package init(_ record: RunRecord, now: Date = Date()) {
    rows = [Row(record, name: record.folder, now: now)]
  }

  /// Enough for the pace.
  private static let recentLines = 100

  private static func name(_ folder: String, below root: String) -> String {
    let prefix = root.hasSuffix("/") || root.isEmpty ? root : root + "/"
    return folder.hasPrefix(prefix) ? String(folder.dropFirst(prefix.count)) : folder
  }
}

extension RunTable.Row {
  init(_ record: RunRecord, name: String, now: Date) {
    self.name = name
    state = record.state(at: now)
    step = record.results?.step ?? record.metrics.lastStep ?? record.checkpoints.last ?? 0
    totalSteps = record.totalSteps
    loss = record.metrics.last(.loss)?.value
    evaluation = record.metrics.bestEvaluation?.value
    tokensPerSecond = record.metrics.last(.tokensPerSecond)?.value
    secondsLeft = state == .running ? record.secondsLeft : nil
    host = record.host
    age = record.age(at: now)
    problem = record.problem(state)
  }
}

extension RunRecord {
  /// What somebody who looks at many runs should know of this one; nil where all is well.
  func problem(_ state: RunState) -> String? {
    if lives.isEmpty { return "run.json cannot be read" }
    if settings.all.isEmpty { return "config.resolved.yaml cannot be read" }
    if metrics.badLines > 0 {
      return "\(counted(metrics.badLines, "line")) of metrics.jsonl cannot be read"
    }
    guard state == .failed || state == .unknown else { return nil }
    if let cause = life?.end?.cause, !cause.isEmpty { return cause }
    if let failure = failures.last { return failure.text }
    return ownerIsAlive == false ? "its process is gone" : nil
  }
}

extension RunTable {
  /// Sorts by a column; what has no value comes last, and equal ones stay in the order of names.
  package mutating func sort(by key: Key, reversed: Bool = false) {
    rows.sort { $0.name < $1.name }
    switch key {
    case .name: if reversed { rows.reverse() }
    case .state: sort(reversed) { $0.state.rawValue }
    case .step: sort(reversed) { $0.step }
    case .loss: sort(reversed) { $0.loss }
    case .eval: sort(reversed) { $0.evaluation }
    case .speed: sort(reversed) { $0.tokensPerSecond }
    case .left: sort(reversed) { $0.secondsLeft }
    case .host: sort(reversed) { $0.host }
    case .age: sort(reversed) { $0.age }
    }
  }

  private mutating func sort<Value: Comparable>(_ reversed: Bool, by value: (Row) -> Value?) {
    let numbered = rows.enumerated().map { (place: $0.offset, row: $0.element) }
    rows = numbered.sorted { one, other in
      switch (value(one.row), value(other.row)) {
      case (let a?, let b?) where a != b: reversed ? a > b : a < b
      case (.some, nil): true
      case (nil, .some): false
      default: one.place < other.place
      }
    }.map(\.row)
  }

  /// A heading and a line a run; problems stand below their runs.
  package var lines: [String] {
    var table = TextTable(
      ("run", .left), ("state", .left), ("step", .right), ("loss", .right), ("best eval", .right),
      ("tok/s", .right), ("left", .right), ("host", .left), ("age", .right))
    for row in rows {
      table.add(
        row.name, row.state.rawValue, row.totalSteps.map { "\(row.step)/\($0)" } ?? "\(row.step)",
        row.loss.map { fixed($0, digits: 4) } ?? "-",
        row.evaluation.map { fixed($0, digits: 4) } ?? "-",
        row.tokensPerSecond.map { fixed($0, digits: 0) } ?? "-",
        row.secondsLeft.map(durationText) ?? "-", row.host ?? "-",
        row.age.map(durationText) ?? "-")
    }
    let lines = table.lines
    return [lines[0]]
      + zip(rows, lines.dropFirst()).flatMap { row, line in
        [line] + (row.problem.map { ["    \($0)"] } ?? [])
      }
  }

  package var json: JSONValue { .array(rows.map(\.json)) }
}

extension RunTable.Row {
  var json: JSONValue {
    func real(_ value: Double?) -> JSONValue { value.map { .real($0) } ?? .null }
    return [
      "run": .string(name), "state": .string(state.rawValue), "step": .integer(step),
      "total_steps": totalSteps.map { .integer($0) } ?? .null, "loss": real(loss),
      "best_eval_loss": real(evaluation), "tokens_per_second": real(tokensPerSecond),
      "seconds_left": real(secondsLeft), "host": host.map { .string($0) } ?? .null,
      "age_seconds": real(age), "problem": problem.map { .string($0) } ?? .null,
    ]
  }
}
