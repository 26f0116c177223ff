internal import Foundation
package import RunHistory

/// Curves made ready to be drawn.
package enum Curve {
  /// At most two points for each of `buckets` equal parts of the steps: the least and the greatest
  /// value, in their order, so that no peak is lost. The first and the last point stay.
  package static func thinned(_ points: [MetricPoint], buckets: Int) -> [MetricPoint] {
    guard points.count > 2 * buckets + 2, let first = points.first, let last = points.last,
      last.step > first.step
    else { return points }
    let width = Double(last.step - first.step) / Double(buckets)
    var kept = [first]
    var start = 1
    let end = points.count - 1
    while start < end {
      let bucket = Int(Double(points[start].step - first.step) / width)
      var (least, greatest, next) = (start, start, start)
      while next < end, Int(Double(points[next].step - first.step) / width) == bucket {
        if points[next].value < points[least].value { least = next }
        if points[next].value > points[greatest].value { greatest = next }
        next += 1
      }
      kept.append(points[min(least, greatest)])
      if least != greatest { kept.append(points[max(least, greatest)]) }
      start = next
    }
    return kept + [last]
  }

  /// An exponential mean over about `span` points, corrected for its start; as TensorBoard draws
  /// it. Without a span over a thirtieth of them, and not fewer than 5.
  package static func smoothed(_ points: [MetricPoint], span: Int? = nil) -> [MetricPoint] {
    let span = span ?? max(5, points.count / 30)
    let keep = 1 - 2 / (Double(max(span, 1)) + 1)
    var (mean, weight) = (0.0, 0.0)
    return points.map { point in
      mean = keep * mean + (1 - keep) * point.value
      weight = keep * weight + (1 - keep)
      return MetricPoint(step: point.step, value: mean / weight)
    }
  }

  /// Values of one curve by those of another, at the steps that both have.
  package static func ratio(_ above: [MetricPoint], _ below: [MetricPoint]) -> [MetricPoint] {
    var rest = below[...]
    return above.compactMap { point in
      rest = rest.drop { $0.step < point.step }
      guard let other = rest.first, other.step == point.step, other.value > 0 else { return nil }
      return MetricPoint(step: point.step, value: point.value / other.value)
    }
  }
}
