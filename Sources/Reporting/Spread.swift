/// Repeated measurements of one thing: the middle, and how far they scatter.
///
/// Quartiles are those of linear interpolation between the sorted values (type 7 of Hyndman and Fan
/// 1996, the default of NumPy).
package struct Spread: Sendable, Equatable {
  package let sorted: [Double]

  /// At least one value.
  package init(_ values: [Double]) {
    precondition(!values.isEmpty, "a spread needs measurements")
    sorted = values.sorted()
  }

  package var count: Int { sorted.count }
  package var least: Double { sorted[0] }
  package var greatest: Double { sorted[count - 1] }
  package var median: Double { quantile(0.5) }
  package var lowerQuartile: Double { quantile(0.25) }
  package var upperQuartile: Double { quantile(0.75) }
  /// Half the distance of the quartiles by the median.
  package var relativeSpread: Double {
    median == 0 ? 0 : (upperQuartile - lowerQuartile) / 2 / abs(median)
  }

  package func quantile(_ share: Double) -> Double {
    let position = share * Double(count - 1)
    let below = Int(position)
    let above = min(below + 1, count - 1)
    return sorted[below] + (position - Double(below)) * (sorted[above] - sorted[below])
  }

  /// The same measurements in another unit, such as tokens / s of seconds.
  package func map(_ convert: (Double) -> Double) -> Spread { Spread(sorted.map(convert)) }
}

/// A straight line through points by least squares.
package struct LineFit: Sendable, Equatable {
  package let intercept: Double
  package let slope: Double
  /// Share of the variance that the line explains; 1 where all points lie on it.
  package let determination: Double

  /// At least two points with different x.
  package init(_ points: [(x: Double, y: Double)]) {
    let n = Double(points.count)
    let (meanX, meanY) = (
      points.reduce(0) { $0 + $1.x } / n, points.reduce(0) { $0 + $1.y } / n
    )
    let xx = points.reduce(0) { $0 + ($1.x - meanX) * ($1.x - meanX) }
    let xy = points.reduce(0) { $0 + ($1.x - meanX) * ($1.y - meanY) }
    let yy = points.reduce(0) { $0 + ($1.y - meanY) * ($1.y - meanY) }
    precondition(xx > 0, "a line needs two different places")
    slope = xy / xx
    intercept = meanY - slope * meanX
    determination = yy == 0 ? 1 : xy * xy / (xx * yy)
  }
}
