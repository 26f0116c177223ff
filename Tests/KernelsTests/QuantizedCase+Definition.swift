internal import CKernels

extension QuantizedCase {
  /// What the codes q of a group stand for: `scale` q + `added`, exactly.
  struct Grid {
    let scale: Double
    let added: Double
    /// Nil where there is a minimum.
    let zero: Double?
    /// In fp32, as the contract rounds it.
    let contract: peqa_grid

    /// s b (q - zero).
    init(_ s: Float, _ b: Float, zero: Float) {
      scale = Double(s) * Double(b)
      added = -scale * Double(zero)
      self.zero = Double(zero)
      contract = peqa_grid(scale: s * b, slope: 1, zero: zero)
    }

    /// s b q + m c.
    init(_ s: Float, _ b: Float, minimum m: Float, _ c: Float) {
      scale = Double(s) * Double(b)
      added = Double(m) * Double(c)
      zero = nil
      let minimum = m * c
      contract =
        scale == 0
        ? peqa_grid(scale: minimum, slope: 0, zero: -1)
        : peqa_grid(scale: s * b, slope: 1, zero: -minimum / (s * b))
    }

    func weight(_ q: Double) -> Double { scale * q + added }

    /// What a weight is, divided by the scale of its group; 1 where the minimum is all of it.
    func unscaled(_ q: Double) -> Double {
      if let zero { return q - zero }
      return scale == 0 ? 1 : weight(q) / scale
    }

    /// What minimum / scale may be away from its value in fp32, in units: the scale, the minimum
    /// and their quotient are rounded.
    var zeroError: Double { zero != nil || scale == 0 ? 0 : 3 * abs(added / scale) }
  }

  private func perWeight(_ body: (Grid, Double) -> Double) -> [Double] {
    numbers.enumerated().map { at, q in
      body(grids[at / columns * groups + at % columns / groupSize], Double(q))
    }
  }

  /// W [O, I] by the definition.
  var exactWeights: [Double] { perWeight { $0.weight($1) } }

  /// What a weight that fp32 computes may differ by, [O, I].
  ///
  /// With scale S = s b (1 + a), minimum M = m c (1 + b) and Z = -M / S (1 + c), the weight is
  /// (q - Z)(1 + d) S (1 + e) = (s b q (1 + a) + m c (1 + b)(1 + c))(1 + d)(1 + e), each letter one
  /// unit at most. As |s b q| is no more than |w| + |m c|, that is 3 |w| + 3 |m c| units; a zero
  /// point leaves a, d and e.
  var weightErrors: [Double] {
    perWeight { grid, q in
      3 * unit * (abs(grid.weight(q)) + (grid.zero == nil ? abs(grid.added) : 0))
    }
  }

  /// W without the scale of its group, [O, I], and what fp32 may differ by from that.
  var exactUnscaled: [Double] { perWeight { $0.unscaled($1) } }
  var unscaledErrors: [Double] {
    perWeight { grid, q in unit * (abs(grid.unscaled(q)) + grid.zeroError) }
  }

  /// Columns of numbers [O, I] where the input has them.
  func inInputOrder<T>(_ numbers: [T]) -> [T] {
    guard let order else { return numbers }
    var result = numbers
    for at in numbers.indices {
      result[at / columns * columns + Int(order[at % columns])] = numbers[at]
    }
    return result
  }

  /// x [tokens, I] with the columns where the matrix has them.
  func inMatrixOrder<T>(_ x: [T]) -> [T] {
    guard let order else { return x }
    return x.indices.map { x[$0 / columns * columns + Int(order[$0 % columns])] }
  }
}
