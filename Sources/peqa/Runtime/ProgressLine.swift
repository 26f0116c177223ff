internal import Machine
internal import Reporting

/// How far a long piece of work is, and when it will be done.
///
/// On a terminal one line that is rewritten at most five times a second; elsewhere a line about
/// every 10 s. Silent with `--quiet` and on other ranks than 0.
package final class ProgressLine {
  private let console: Console
  private let label: String
  private let total: Int
  private let clock = Stopwatch()
  private var pace: RecentPace
  /// By `clock`; the first line off terminals comes after one interval.
  private var lastShown: Double

  /// - Parameters:
  ///   - total: units of work in all; 0 where unknown.
  ///   - first: units that are done already; not counted for the speed.
  package init(_ console: Console, _ label: String, total: Int, first: Int = 0) {
    self.console = console
    self.label = label
    self.total = total
    pace = RecentPace(first: first)
    lastShown = console.isTerminal ? -.infinity : 0
  }

  /// `done` units are done; `facts` (loss, speed) stand behind the numbers.
  package func update(_ done: Int, _ facts: String = "") {
    guard console.speaks, console.verbosity >= .normal else { return }
    let now = clock.seconds
    pace.note(done, at: now)
    guard now - lastShown >= (console.isTerminal ? 0.2 : 10) else { return }
    lastShown = now
    let line = line(done, facts, elapsed: now)
    if console.isTerminal { console.overwrite(line) } else { console.log(line) }
  }

  /// Leaves the last state standing.
  package func finish(_ done: Int, _ facts: String = "") {
    console.log(line(done, facts, elapsed: clock.seconds))
  }

  package func line(_ done: Int, _ facts: String, elapsed: Double) -> String {
    var parts = [
      total > 0 ? "\(label) \(done)/\(total) (\(100 * done / total)%)" : "\(label) \(done)"
    ]
    if !facts.isEmpty { parts.append(facts) }
    parts.append(durationText(elapsed))
    if let left = pace.left(of: total, done: done, at: elapsed) {
      parts.append("left \(durationText(left))")
    }
    return parts.joined(separator: "  ")
  }
}
