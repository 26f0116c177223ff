/// How fast a piece of work has gone lately: a pause of the process is forgotten with the steps
/// that it fell into, and a start that was slow as well.
package struct RecentPace {
  /// Seconds since the beginning, and units done then; the oldest first.
  private var marks: [(seconds: Double, done: Int)]

  /// Steps that are looked back at, where they take longer than `leastGap`.
  private static let mostMarks = 30
  /// Seconds between two marks: many short units are judged by half a minute of them.
  private static let leastGap = 1.0

  package init(first: Int) { marks = [(0, first)] }

  package mutating func note(_ done: Int, at seconds: Double) {
    let last = marks[marks.count - 1]
    guard done > last.done, seconds - last.seconds >= Self.leastGap else { return }
    marks.append((seconds, done))
    if marks.count > Self.mostMarks { marks.removeFirst() }
  }

  /// Seconds until `total` units are done; nil where none has been done yet, or none is left.
  package func left(of total: Int, done: Int, at seconds: Double) -> Double? {
    guard let first = marks.first, total > done, done > first.done else { return nil }
    return (seconds - first.seconds) * Double(total - done) / Double(done - first.done)
  }
}
