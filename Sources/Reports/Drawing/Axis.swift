internal import Foundation

/// An axis from `least` to `greatest` with ticks at round numbers.
package struct Axis: Sendable, Equatable {
  package let least: Double
  package let greatest: Double
  package let ticks: [Double]
  /// Distance of the ticks.
  package let interval: Double

  /// The axis ends at round numbers around the values.
  ///
  /// - Parameter count: about so many intervals.
  package init(around values: some Sequence<Double>, fromZero: Bool = false, count: Int = 4) {
    var (low, high) = (Double.infinity, -Double.infinity)
    for value in values where value.isFinite { (low, high) = (min(low, value), max(high, value)) }
    if low > high { (low, high) = (0, 1) }
    if fromZero { (low, high) = (min(low, 0), max(high, 0)) }
    if high - low <= 1e-12 * max(abs(low), abs(high)) {
      let room = low == 0 ? 1 : abs(low) * 0.1
      (low, high) = (fromZero ? low : low - room, high + room)
    }
    interval = Self.round((high - low) / Double(count))
    let first = (low / interval + 1e-9).rounded(.down)
    let last = (high / interval - 1e-9).rounded(.up)
    (least, greatest) = (first * interval, last * interval)
    let step = interval
    ticks = (0...max(1, Int(last - first))).map { (first + Double($0)) * step }
  }

  /// The axis ends where the values do: for steps.
  package init(exactly range: ClosedRange<Double>, count: Int = 5) {
    let width = max(range.upperBound - range.lowerBound, 1)
    (least, greatest) = (range.lowerBound, range.lowerBound + width)
    interval = max(1, Self.round(width / Double(count)))
    var ticks: [Double] = []
    var tick = (least / interval - 1e-9).rounded(.up) * interval
    while tick <= greatest + 1e-9 * width {
      ticks.append(tick)
      tick += interval
    }
    self.ticks = ticks
  }

  /// Where a value lies: 0 at `least`, 1 at `greatest`.
  package func share(_ value: Double) -> Double { (value - least) / (greatest - least) }

  /// Digits behind the point that ticks need to be told apart.
  package var decimals: Int {
    max(0, min(9, Int((-log10(interval) - 1e-9).rounded(.up))))
  }

  /// 1, 2 or 5 times a power of ten, at least as large.
  private static func round(_ interval: Double) -> Double {
    let decade = pow(10, log10(interval).rounded(.down))
    let mantissa = interval / decade
    let nice = [1, 2, 5].first { mantissa <= Double($0) * (1 + 1e-9) } ?? 10
    return Double(nice) * decade
  }
}
