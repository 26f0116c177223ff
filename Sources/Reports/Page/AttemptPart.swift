internal import Foundation
internal import RunHistory

/// The starts of a run, and why each came to an end.
struct AttemptPart {
  private let record: RunRecord
  private let time: Date

  init(_ record: RunRecord, time: Date) { (self.record, self.time) = (record, time) }

  var html: HTML? {
    guard !record.lives.isEmpty else { return nil }
    let rows = record.lives.indices.map(row)
    let table = Table(
      columns: [
        ("", .right), ("started", .left), ("from step", .right), ("ended", .left),
        ("at step", .right), ("why", .left), ("ranks", .right), ("hosts", .left),
      ], rows: rows)
    let restarts = record.lives.count - 1
    return Block.section(
      restarts == 0 ? "Attempts" : "Attempts and restarts", [table.html],
      note: restarts == 0
        ? "It ran without a restart." : "It was started again \(Self.times(restarts)).")
  }

  private static func times(_ count: Int) -> String {
    count == 1 ? "once" : count == 2 ? "twice" : "\(count) times"
  }

  private func row(_ index: Int) -> [HTML] {
    let life = record.lives[index]
    let hosts = life.hosts.prefix(4).joined(separator: ", ")
    let more = life.hosts.count > 4 ? " and \(life.hosts.count - 4) more" : ""
    return [
      "\(index + 1)", "\(Figures.time(life.started))", "\(Figures.count(life.firstStep))",
      "\(Figures.time(life.end?.time))", "\(life.end.map { Figures.count($0.step) } ?? "-")",
      "\(why(index))", "\(life.ranks)", "\(hosts)\(more)",
    ]
  }

  private func why(_ index: Int) -> String {
    guard index == record.lives.count - 1, record.lives[index].end == nil else {
      return Self.cause(of: index, in: record)
    }
    switch record.state(at: time) {
    case .running: return "runs"
    case .finished: return "all steps done"
    default: return Self.cause(of: index, in: record)
    }
  }

  /// Why an attempt ended: by what it said itself, else by `failures.log`.
  static func cause(of index: Int, in record: RunRecord) -> String {
    let life = record.lives[index]
    if let end = life.end {
      switch end.reason {
      case .complete: return "all steps done"
      case .early: return "no evaluation was better for long"
      case .stopped: return end.cause.isEmpty ? "asked to stop" : "stopped: \(end.cause)"
      case .failed: return end.cause.isEmpty ? "failed" : "failed: \(end.cause)"
      }
    }
    let next = index + 1 < record.lives.count ? record.lives[index + 1].started : nil
    let failure = record.failures.last { failure in
      guard let start = life.started, let time = failure.time else { return false }
      return time >= start && next.map { time <= $0 } ?? true
    }
    return failure?.text ?? "left no word: killed, or the machine went down"
  }
}
