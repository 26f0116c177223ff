internal import Kernels

/// The masters of one matrix under `ScaleGranularity.rowColumn`: numbers for rows and for groups of
/// columns, of which the relative changes of all its scales are made.
///
///     d[o, G] = r[o] + c[G] + sum over k of a[o, k] b[G, k]        s = s0 (1 + d)
///
/// They lie one behind another: r [O], c [G], a [O, K], b [G, K]. All start at 0 but b, without
/// which a would have no gradient.
struct ScaleFactors {
  let rows, groups, rank: Int

  var count: Int { Self.count(rows: rows, groups: groups, rank: rank) }

  static func count(rows: Int, groups: Int, rank: Int) -> Int { (rows + groups) * (1 + rank) }

  private var columns: Int { rows }
  private var left: Int { rows + groups }
  private var right: Int { left + rows * rank }

  /// Standard deviation of b at the start: small beside a scale, so that a is what grows.
  private static let spread: Float = 0.1

  /// Where training starts; the numbers depend on `seed` alone.
  func start(_ masters: UnsafeMutablePointer<Float>, seed: UInt64) {
    masters.update(repeating: 0, count: count)
    var random = SplitMix64(seed: seed)
    for i in right..<right + groups * rank {
      // Uniform, of that deviation.
      masters[i] = (Float(random.unitInterval()) - 0.5) * Self.spread * Float(12).squareRoot()
    }
  }

  /// d[o, G].
  @inline(__always)
  func change(_ masters: UnsafePointer<Float>, _ row: Int, _ group: Int) -> Float {
    var sum = masters[row] + masters[columns + group]
    for k in 0..<rank {
      sum += masters[left + row * rank + k] * masters[right + group * rank + k]
    }
    return sum
  }

  /// Gradients of the masters from those of d [O, G], in a fixed order.
  func gradient(
    _ slopes: UnsafePointer<Float>, _ masters: UnsafePointer<Float>,
    into out: UnsafeMutablePointer<Float>
  ) {
    out.update(repeating: 0, count: count)
    for row in 0..<rows {
      for group in 0..<groups {
        let slope = slopes[row * groups + group]
        out[row] += slope
        out[columns + group] += slope
        for k in 0..<rank {
          let (a, b) = (left + row * rank + k, right + group * rank + k)
          out[a] += slope * masters[b]
          out[b] += slope * masters[a]
        }
      }
    }
  }
}
