package import Foundation
internal import Reporting
package import RunHistory

/// What `peqa watch` shows of a run at one moment, as lines of a terminal.
package struct WatchFrame {
  private let record: RunRecord
  private let state: RunState
  private let now: Date
  private let columns: Int
  private let rows: Int
  private let isUnicode: Bool

  /// - Parameters:
  ///   - rows: lines that there is room for; the curve takes what is left over.
  ///   - isUnicode: whether the terminal shows more than ASCII.
  package init(
    _ record: RunRecord, columns: Int = 80, rows: Int = 24, isUnicode: Bool = true,
    now: Date = Date()
  ) {
    self.record = record
    state = record.state(at: now)
    self.now = now
    self.columns = max(40, columns)
    self.rows = max(12, rows)
    self.isUnicode = isUnicode
  }

  /// None is longer than `columns`.
  package var lines: [String] {
    let below = paceLines + warningLines
    let above = [title, progress, figures, ""]
    let room = min(14, max(4, rows - above.count - below.count - 3))
    return (above + curve(rows: room) + [""] + below).map { String($0.prefix(columns)) }
  }

  private var metrics: RunMetrics { record.metrics }
  private var step: Int { record.results?.step ?? metrics.lastStep ?? record.checkpoints.last ?? 0 }

  /// The name at the left, state and place at the right.
  private var title: String {
    let ranks = record.life.map { $0.ranks }.flatMap { $0 > 0 ? $0 : nil }
    let place =
      state.rawValue + (record.host.map { " on \($0)" } ?? "")
      + (ranks.map { ", " + counted($0, "rank") } ?? "")
    let name = record.folder.count + place.count + 2 > columns ? record.name : record.folder
    return spread(String(name.prefix(max(8, columns - place.count - 2))), place)
  }

  private func spread(_ left: String, _ right: String) -> String {
    left + String(repeating: " ", count: max(2, columns - left.count - right.count)) + right
  }

  private var progress: String {
    var parts: [String] = []
    if state == .running, let left = record.secondsLeft {
      parts.append("left \(durationText(left))")
    }
    if let runtime = metrics.last(.runtime)?.value { parts.append("ran \(durationText(runtime))") }
    if let age = record.age(at: now) { parts.append("last sign \(durationText(age)) ago") }
    while parts.joined(separator: "   ").count + 20 > columns, parts.count > 1 {
      parts.removeLast()
    }
    let right = parts.joined(separator: "   ")
    guard let total = record.totalSteps, total > 0 else { return spread("step \(step)", right) }
    let share = min(1, Double(step) / Double(total))
    let left = "step \(step)/\(total) \(100 * min(step, total) / total) % "
    let width = min(30, columns - left.count - right.count - 2)
    return spread(left + (width > 4 ? bar(share, width: width) : ""), right)
  }

  private func bar(_ share: Double, width: Int) -> String {
    let full = Int((share * Double(width)).rounded())
    return String(repeating: isUnicode ? "█" : "#", count: full)
      + String(repeating: isUnicode ? "░" : ".", count: width - full)
  }

  private var figures: String {
    func text(_ key: MetricKey, _ label: String, digits: Int) -> String? {
      metrics.last(key).map { "\(label) \(fixed($0.value, digits: digits))" }
    }
    let rate = metrics.last(.learningRate).map { "lr \(significant($0.value, digits: 3))" }
    let parts = [
      text(.loss, "loss", digits: 4), evaluation, rate,
      text(.gradientNorm, "norm", digits: 3), text(.tokensPerSecond, "tok/s", digits: 0),
    ].compactMap(\.self)
    // Half a number would be another one.
    return parts.reduce("") { line, part in
      let longer = line.isEmpty ? part : line + "   " + part
      return longer.count <= columns ? longer : line
    }
  }

  private var evaluation: String? {
    guard let last = metrics.last(.evalLoss), let best = metrics.bestEvaluation else { return nil }
    let text = "eval \(fixed(last.value, digits: 4)) at \(last.step)"
    return best.step == last.step
      ? text + " (best)" : text + " (best \(fixed(best.value, digits: 4)) at \(best.step))"
  }
}

// The curve of the losses.
extension WatchFrame {
  private typealias Points = [(x: Double, y: Double)]

  private func curve(rows: Int) -> [String] {
    let losses = smoothed(metrics[.loss].map { (x: Double($0.step), y: $0.value) })
    let held = metrics[.evalLoss].map { (x: Double($0.step), y: $0.value) }
    guard losses.count + held.count > 1 else { return ["  no curve yet: it begins with two steps"] }
    let range = Self.range((losses + held).map(\.y))
    let labels = [range.upperBound, range.lowerBound].map { fixed($0, digits: 2) }
    let margin = labels.map(\.count).max() ?? 4
    var drawing = BrailleCurve(columns: columns - margin - 2, rows: rows, isUnicode: isUnicode)
    let steps = (losses + held).map(\.x)
    let x = (steps.min() ?? 0)...(steps.max() ?? 1)
    drawing.draw(losses.isEmpty ? held : losses, x: x, y: range)
    if !losses.isEmpty { drawing.mark(held, x: x, y: range) }
    let lines = drawing.lines.enumerated().map { index, line in
      let label = index == 0 ? labels[0] : index == rows - 1 ? labels[1] : ""
      let end = line.lastIndex { $0 != " " }.map(line.index(after:)) ?? line.startIndex
      return String(repeating: " ", count: margin - label.count) + label
        + (isUnicode ? "┤" : "|") + line[..<end]
    }
    return lines + [axis(x, margin: margin)]
  }

  /// A wild first loss must not flatten the rest.
  private static func range(_ values: [Double]) -> ClosedRange<Double> {
    let sorted = values.sorted()
    let least = sorted[0]
    return least...max(least, sorted[min(sorted.count - 1, Int(0.98 * Double(sorted.count)))])
  }

  /// Steps of which a point of the curve is the mean.
  private var window: Int { max(1, metrics[.loss].count / 25) }

  /// The mean of each point and those before it.
  private func smoothed(_ points: Points) -> Points {
    var (sum, result) = (0.0, Points())
    for (index, point) in points.enumerated() {
      sum += point.y
      if index >= window { sum -= points[index - window].y }
      result.append((point.x, sum / Double(min(index + 1, window))))
    }
    return result
  }

  /// The steps at both ends, and what is drawn.
  private func axis(_ x: ClosedRange<Double>, margin: Int) -> String {
    let (first, last) = ("\(Int(x.lowerBound))", "\(Int(x.upperBound))")
    var what = metrics[.loss].isEmpty ? "eval_loss" : "loss"
    if window > 1 { what += ", mean of \(window)" }
    if !metrics[.loss].isEmpty, !metrics[.evalLoss].isEmpty {
      what += "; \(isUnicode ? "●" : "o") eval_loss"
    }
    let room = columns - margin - 2 - first.count - last.count
    let left = max(1, (room - what.count) / 2)
    return String(repeating: " ", count: margin + 1) + first
      + String(repeating: " ", count: left) + what
      + String(repeating: " ", count: max(1, room - left - what.count)) + last
  }
}

// What slows a run down, and what is wrong with it.
extension WatchFrame {
  private var paceLines: [String] {
    guard let time = metrics.last(.stepTime)?.value, time > 0 else { return [] }
    func seconds(_ key: MetricKey) -> Double? { metrics.last(key)?.value }
    var lines: [String] = []
    let width = max(8, min(24, columns - 50))
    func line(_ name: String, _ value: Double) {
      let label = name.padding(toLength: 15, withPad: " ", startingAt: 0)
      let text = "\(fixed(value, digits: value < 10 ? 2 : 1)) s"
      lines.append(
        label + bar(min(1, value / time), width: width) + "  \(text)  "
          + "\(Int((100 * value / time).rounded())) % of a step")
    }
    if let slowest = seconds(.slowestRank), let fastest = seconds(.fastestRank) {
      if record.life?.ranks == 1 {
        line("computing", slowest)
      } else {
        line("slowest rank", slowest)
        line("fastest rank", fastest)
      }
    }
    if let communication = seconds(.communicationTime) { line("communication", communication) }
    if let own = seconds(.privateGigabytes) {
      let shared = seconds(.sharedGigabytes).map { ", \(fixed($0, digits: 2)) GB shared" } ?? ""
      lines.append("memory         \(fixed(own, digits: 2)) GB of rank 0" + shared)
    }
    return lines
  }

  private var warningLines: [String] {
    var warnings = [record.problem(state)].compactMap(\.self)
    if state == .running, let slowest = metrics.last(.slowestRank)?.value,
      let fastest = metrics.last(.fastestRank)?.value, slowest > 1.5 * fastest,
      record.life?.ranks != 1
    {
      warnings.append(
        "the slowest rank takes \(fixed(slowest / max(fastest, 1e-9), digits: 1)) times as long as the "
          + "fastest: schedule: dynamic helps")
    }
    if let best = metrics.bestEvaluation {
      let worse = metrics[.evalLoss].filter { $0.step > best.step }.count
      if worse >= 3 { warnings.append("\(worse) evaluations in a row without improvement") }
    }
    if record.lives.count > 1 { warnings.append("started \(record.lives.count) times") }
    let shown = record.failures.suffix(2).map { failure in
      (failure.time.map { $0.formatted(.iso8601) + " " } ?? "") + failure.text
    }
    return (warnings + shown.filter { !warnings.contains($0) }).map { "! \($0)" }
  }
}
