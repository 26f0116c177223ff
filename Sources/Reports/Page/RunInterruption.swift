internal import Foundation
internal import RunHistory

/// That a run did not come to its end, why, and where it would go on: for the first screen.
struct RunInterruption {
  private let record: RunRecord
  private let state: RunState

  init(_ record: RunRecord, _ state: RunState) { (self.record, self.state) = (record, state) }

  /// Nil for a run that is done or goes on.
  var html: HTML? {
    guard let how else { return nil }
    return """
      <p class="unfinished \(state.rawValue)"><b>This run is not done.</b> \(how)\(why). \(next)</p>
      """
  }

  private var how: String? {
    switch state {
    case .finished, .running: nil
    case .stopped: "It was stopped\(place)"
    case .failed: record.life?.end == nil ? "It ended\(place)" : "An error ended it\(place)"
    case .unknown: "Nothing has been heard of it\(place)"
    }
  }

  /// ` at step 20 of 60`
  private var place: String {
    guard let step = record.life?.end?.step ?? record.metrics.lastStep else { return "" }
    let total = record.totalSteps.map { " of \(Figures.count($0))" } ?? ""
    return " \(state == .unknown ? "after" : "at") step \(Figures.count(step))\(total)"
  }

  /// The cause without the full stop that errors have.
  private var why: String {
    guard !record.lives.isEmpty, state != .unknown else { return "" }
    let cause = record.life?.end?.cause ?? AttemptPart.cause(of: record.lives.count - 1, in: record)
    return cause.isEmpty ? "" : ": " + (cause.hasSuffix(".") ? String(cause.dropLast()) : cause)
  }

  private var next: String {
    guard let step = record.checkpoints.last else { return "Started again, it begins anew." }
    return "Started again, it goes on from the checkpoint of step \(Figures.count(step))."
  }
}
