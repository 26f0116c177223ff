/// Counts and nearest-rank percentiles of sample lengths in tokens.
package struct LengthStatistics: Sendable, Equatable {
  package var count: Int
  package var total: Int
  package var p50: Int
  package var p95: Int
  package var p99: Int
  package var maximum: Int

  package init(_ lengths: [some BinaryInteger]) {
    let sorted = lengths.sorted()
    count = sorted.count
    total = sorted.reduce(0) { $0 + Int($1) }
    p50 = Self.percentile(50, ofSorted: sorted)
    p95 = Self.percentile(95, ofSorted: sorted)
    p99 = Self.percentile(99, ofSorted: sorted)
    maximum = sorted.last.map { Int($0) } ?? 0
  }

  /// Smallest length that at least `percent` % of the samples do not exceed (nearest rank); 0 for
  /// no samples.
  package static func percentile(_ percent: Int, ofSorted sorted: [some BinaryInteger]) -> Int {
    guard !sorted.isEmpty else { return 0 }
    let rank = (sorted.count * percent + 99) / 100
    return Int(sorted[max(rank, 1) - 1])
  }

  /// `part` of `whole` as text with two decimals, e.g. `3.25 %`.
  static func percent(_ part: Int, of whole: Int) -> String {
    let hundredths = whole == 0 ? 0 : (part * 10_000 + whole / 2) / whole
    let decimals = String(hundredths % 100)
    return "\(hundredths / 100).\(decimals.count < 2 ? "0" : "")\(decimals) %"
  }
}
