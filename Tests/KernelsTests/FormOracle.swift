internal import Kernels

/// The products of a quantized matrix of any form in Double, and what fp32 sums may differ by.
///
/// In fp32 weights are those of the definition, give or take the roundings of scale, zero point and
/// weight (`QuantizedCase.weightErrors`). In bf16 one unit of fp32 can decide where a weight is
/// rounded to, so they are bf16 of the numbers that the contract gives (peqa_grid), and the
/// operands are rounded where it says. Then a sum of n products errs by n units of its magnitudes
/// at most, in any order; `spare` covers the operand times its scale, the scaled sum, the addition
/// to what stood there, and second order.
struct FormOracle {
  static let spare = 8.0
  let w: QuantizedCase
  let precision: Precision
  let tokens: Int
  /// [tokens, I] and [tokens, O].
  let x, dy: [Float]

  struct Expected {
    var values: [Double]
    var bounds: [Double]
  }

  private var isBF16: Bool { precision == .bf16 }
  private func operand(_ x: Float) -> Double { Double(isBF16 ? roundedToBF16(x) : x) }

  /// y [tokens, O]. In bf16 the unscaled weights are rounded and the sum of a group is scaled.
  var forward: Expected {
    let rounded = zip(w.unscaled, w.scaleOf).map { Double(roundedToBF16($0)) * Double($1) }
    return expected(
      x.map(operand), w.inInputOrder(isBF16 ? rounded : w.exactWeights),
      errors: isBF16 ? nil : w.inInputOrder(w.weightErrors), m: tokens, n: w.rows,
      depth: w.columns, terms: w.columns + w.groups)
  }

  /// `before` + dx [tokens, I]. With one group a row the scale goes to dy, else to the weight.
  func inputGradient(addedTo before: Double) -> Expected {
    let perRow = w.groups == 1
    let factors = dy.indices.map { w.scaleOf[$0 % w.rows * w.columns] }
    let rounded = zip(w.unscaled, w.scaleOf).map { operand(perRow ? $0 : $0 * $1) }
    let scaled = zip(dy, factors).map { operand(isBF16 && perRow ? $0 * $1 : $0) }
    func turned(_ numbers: [Double]) -> [Double] {
      transposed(w.inInputOrder(numbers), rows: w.rows, columns: w.columns)
    }
    var sums = expected(
      scaled, turned(isBF16 ? rounded : w.exactWeights),
      errors: isBF16 ? nil : turned(w.weightErrors), m: tokens, n: w.columns, depth: w.rows,
      terms: w.rows)
    sums.values = sums.values.map { $0 + before }
    sums.bounds = sums.bounds.map { $0 + Self.bound(w.rows, before) }
    return sums
  }

  /// ds [O, G] = sum over a group of its unscaled weights times sum_t dy x.
  var groupGradient: Expected {
    let full = Products(
      transposed(dy.map(operand), rows: tokens, columns: w.rows),
      transposed(w.inMatrixOrder(x.map(operand)), rows: tokens, columns: w.columns), m: w.rows,
      n: w.columns, depth: tokens)
    let (unscaled, errors) = (w.exactUnscaled, w.unscaledErrors)
    let terms = tokens + min(w.groupSize, w.columns)
    var sums = Expected(values: [], bounds: [])
    sums.values = .init(repeating: 0, count: w.rows * w.groups)
    sums.bounds = sums.values
    for at in full.values.indices {
      let to = at / w.columns * w.groups + at % w.columns / w.groupSize
      let size = full.magnitudes[at]
      sums.values[to] += unscaled[at] * full.values[at]
      sums.bounds[to] += Self.bound(terms, abs(unscaled[at]) * size) + errors[at] * size
    }
    return sums
  }

  /// Products of rows of a and of b, which errs by `errors`.
  private func expected(
    _ a: [Double], _ b: [Double], errors: [Double]?, m: Int, n: Int, depth: Int, terms: Int
  ) -> Expected {
    let sums = Products(a, b, m: m, n: n, depth: depth)
    var bounds = sums.magnitudes.map { Self.bound(terms, $0) }
    if let errors {
      let more = Products(a, errors, m: m, n: n, depth: depth).magnitudes
      bounds = zip(bounds, more).map(+)
    }
    return Expected(values: sums.values, bounds: bounds)
  }

  private static func bound(_ terms: Int, _ magnitude: Double) -> Double {
    (Double(terms) + spare) * unit * magnitude
  }
}
