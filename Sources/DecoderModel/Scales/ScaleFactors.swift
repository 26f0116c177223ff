internal import Kernels

/// Group scales of one matrix by fewer numbers than it has scales:
///
///     s[o,G] = s0[o,G] (1 + f[o,G]),   f[o,G] = r[o] + c[G] + sum_k a[o,k] b[k,G]
///
/// Masters lie as r [O], c [G], a [O, K], b [K, G]; G are the scales of a row. All begin at 0 but
/// b, or products of a and b would have no gradient (docs/decisions/0020).
struct ScaleFactors: Sendable {
  let rows, columns, rank: Int

  /// r and c, and K more of each.
  var count: Int { (1 + rank) * (rows + columns) }

  private var c: Int { rows }
  private var a: Int { rows + columns }
  private var b: Int { a + rows * rank }

  /// The masters of an untrained matrix. b is uniform within 1 / sqrt(K): a step that moves each a
  /// by some amount moves f by about as much as if it had moved r.
  func initialize(_ masters: UnsafeMutablePointer<Float>, _ random: inout SplitMix64) {
    masters.update(repeating: 0, count: count)
    let bound = 1 / Double(max(1, rank)).squareRoot()
    for i in b..<count { masters[i] = Float((2 * random.unitInterval() - 1) * bound) }
  }

  /// f of row `o` and column `g`, added up from r on.
  func value(_ masters: UnsafePointer<Float>, _ o: Int, _ g: Int) -> Float {
    var sum = masters[o] + masters[c + g]
    for k in 0..<rank { sum += masters[a + o * rank + k] * masters[b + k * columns + g] }
    return sum
  }

  /// Gradients of all masters from e [O, G], that of f:
  ///
  ///     dr[o] = sum_G e[o,G]   da[o,k] = sum_G e[o,G] b[k,G]
  ///     dc[G] = sum_o e[o,G]   db[k,G] = sum_o e[o,G] a[o,k]
  ///
  /// Added up in Double, by rows and within a row by columns, and rounded once. `masters` are not
  /// read where the rank is 0.
  func gradients(
    of e: UnsafePointer<Float>, _ masters: UnsafePointer<Float>?,
    into out: UnsafeMutablePointer<Float>
  ) {
    var perColumn = [Double](repeating: 0, count: (1 + rank) * columns)
    for o in 0..<rows {
      let e = e + o * columns
      var whole = 0.0
      for g in 0..<columns {
        whole += Double(e[g])
        perColumn[g] += Double(e[g])
      }
      out[o] = Float(whole)
      guard rank > 0, let masters else { continue }
      for k in 0..<rank {
        let (left, right) = (Double(masters[a + o * rank + k]), masters + b + k * columns)
        var sum = 0.0
        for g in 0..<columns {
          sum += Double(e[g]) * Double(right[g])
          perColumn[(1 + k) * columns + g] += Double(e[g]) * left
        }
        out[a + o * rank + k] = Float(sum)
      }
    }
    for g in 0..<columns { out[c + g] = Float(perColumn[g]) }
    for i in 0..<rank * columns { out[b + i] = Float(perColumn[columns + i]) }
  }
}
