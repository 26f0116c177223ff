internal import Foundation
internal import Kernels

/// Attention and its gradients by their definition in Double, with bounds for the kernels beside:
/// fp32, or bf16 products of operands that are bf16 numbers already.
///
/// Queries stand at the end of the keys: query i sees keys up to `keys - queries + i`. Scores are
/// s = scale * q k, and cap * tanh(s / cap) where they are capped.
struct NaiveAttention {
  let shape: AttentionShape
  let queries: Int
  let keys: Int
  /// By how much, relatively, probabilities and gradients of scores are rounded before a product.
  let rounding: Double
  /// q [queries, heads * size], k and v [keys, keyValueHeads * size].
  var q, k, v: [Double]

  private(set) var out: [Double]
  private(set) var outBounds: [Double]
  /// Probabilities [heads, queries, keys].
  private var p: [Double]
  /// Relative error of a probability [heads, queries].
  private var probabilityErrors: [Double]
  /// Slope of the cap at a score, 1 without one, and its error [heads, queries, keys].
  private var slopes, slopeErrors: [Double]
  private var scale: Double { Double(shape.scale) }

  init(
    _ shape: AttentionShape, precision: Precision = .fp32, queries: Int, keys: Int, q: [Double],
    k: [Double], v: [Double]
  ) {
    (self.shape, self.queries, self.keys) = (shape, queries, keys)
    rounding = precision == .bf16 ? 0x1p-8 : 0
    (self.q, self.k, self.v) = (q, k, v)
    out = [Double](repeating: 0, count: q.count)
    outBounds = out
    p = [Double](repeating: 0, count: shape.heads * queries * keys)
    probabilityErrors = [Double](repeating: 0, count: shape.heads * queries)
    slopes = [Double](repeating: 1, count: p.count)
    slopeErrors = [Double](repeating: 0, count: p.count)
    for head in 0..<shape.heads { for i in 0..<queries { attend(head, i) } }
  }

  private func visible(_ i: Int) -> Range<Int> {
    let end = keys - queries + i + 1
    return max(0, end - (shape.window ?? end))..<end
  }
  private func queryAt(_ i: Int, _ head: Int) -> Int {
    i * shape.queryWidth + head * shape.headSize
  }
  private func keyAt(_ j: Int, _ head: Int) -> Int {
    j * shape.keyWidth + head / (shape.heads / shape.keyValueHeads) * shape.headSize
  }

  private mutating func attend(_ head: Int, _ i: Int) {
    let (size, range, a) = (shape.headSize, visible(i), queryAt(i, head))
    var scores: [Double] = []
    var largest = 0.0
    var dotSize = 0.0
    for j in range {
      let b = keyAt(j, head)
      var (sum, magnitude) = (0.0, 0.0)
      for d in 0..<size {
        sum += q[a + d] * k[b + d]
        magnitude += abs(q[a + d] * k[b + d])
      }
      scores.append(
        bend(sum * scale, size: magnitude * scale, at: (head * queries + i) * keys + j))
      largest = max(largest, abs(sum * scale))
      dotSize = max(dotSize, magnitude * scale)
    }
    let top = scores.max() ?? 0
    let weights = scores.map { exp($0 - top) }
    let sum = weights.reduce(0, +)
    // A score errs by size + 2 units of its magnitudes, shifts and logarithm by a few of its own;
    // the exponential by 4, the sum by less than 100; the normalizer sees the same errors again. A
    // cap passes on no more than that, and errs by 10 units of what it gives: see `SoftCapTests`.
    let capError = 10 * (shape.cap.map(Double.init) ?? 0)
    let scoreError = Double(size + 2) * dotSize + 4 * (largest + log(Double(keys) + 1))
    let error = 2 * (scoreError + capError + 100) * unit
    probabilityErrors[head * queries + i] = error
    for (offset, j) in range.enumerated() {
      let weight = weights[offset] / sum
      p[(head * queries + i) * keys + j] = weight
      for d in 0..<size {
        let part = weight * v[keyAt(j, head) + d]
        out[a + d] += part
        outBounds[a + d] += abs(part) * (error + rounding + Double(keys + 2) * unit)
      }
    }
  }

  /// The capped score, whose slope is kept. With b = tanh(s / cap) the slope 1 - b^2 errs by 2 b
  /// times the error of b, that of s / cap times the slope and 8 units of b, and by 3 roundings.
  private mutating func bend(_ score: Double, size: Double, at index: Int) -> Double {
    guard let cap = shape.cap.map(Double.init) else { return score }
    let b = tanh(score / cap)
    let slope = 1 - b * b
    let bError = slope * Double(shape.headSize + 2) * size / cap + 8 * abs(b)
    slopes[index] = slope
    slopeErrors[index] = (2 * abs(b) * bError + 3) * unit
    return cap * b
  }

  /// Values and bounds of a gradient.
  struct Gradient {
    var values: [Double]
    var bounds: [Double]
    fileprivate init(_ count: Int) {
      values = [Double](repeating: 0, count: count)
      bounds = values
    }
    fileprivate mutating func add(_ value: Double, _ bound: Double, at index: Int) {
      values[index] += value
      bounds[index] += bound
    }
  }

  /// dq, dk, dv for queries = keys: dv = p^T do, dp = do v^T, ds = p (dp - do . out) scale, times
  /// the slope of the cap.
  func gradients(_ dout: [Double]) -> (dq: Gradient, dk: Gradient, dv: Gradient) {
    var (dq, dk, dv) = (Gradient(q.count), Gradient(k.count), Gradient(v.count))
    let size = shape.headSize
    let sums = Double(keys + shape.heads + 4) * unit + rounding
    for head in 0..<shape.heads {
      for i in 0..<queries {
        let a = queryAt(i, head)
        let error = probabilityErrors[head * queries + i]
        var (delta, deltaBound) = (0.0, 0.0)
        for d in 0..<size {
          delta += dout[a + d] * out[a + d]
          deltaBound +=
            abs(dout[a + d])
            * (outBounds[a + d] + Double(size + 1) * unit * abs(out[a + d]))
        }
        for j in visible(i) {
          let b = keyAt(j, head)
          let at = (head * queries + i) * keys + j
          let weight = p[at]
          var (dp, dpBound) = (0.0, 0.0)
          for d in 0..<size {
            dp += dout[a + d] * v[b + d]
            dpBound += abs(dout[a + d] * v[b + d]) * Double(size + 1) * unit
            let part = weight * dout[a + d]
            dv.add(part, abs(part) * (error + sums), at: b + d)
          }
          let factor = weight * scale * slopes[at]
          let ds = factor * (dp - delta)
          let bendError = weight * scale * abs(dp - delta) * slopeErrors[at]
          let dsBound =
            abs(ds) * (error + 5 * unit) + factor * (dpBound + deltaBound)
            + factor * (abs(dp) + abs(delta)) * unit + bendError
          for d in 0..<size {
            dq.add(ds * k[b + d], (dsBound + abs(ds) * sums) * abs(k[b + d]), at: a + d)
            dk.add(ds * q[a + d], (dsBound + abs(ds) * sums) * abs(q[a + d]), at: b + d)
          }
        }
      }
    }
    return (dq, dk, dv)
  }
}
