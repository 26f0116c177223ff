/// The error of one group of weights on the grid `s * k`, k integer, as the search needs it:
/// thousands of times a group, so sixteen weights at a time and no rounding instruction.
///
/// Weights lie in vectors of sixteen, the last one filled up with zeros, which cost nothing on any
/// grid (k = 0).
struct GroupGrid {
  typealias Vector = SIMD16<Float>

  let weights: UnsafeBufferPointer<Vector>
  /// What the squared error of each weight counts, laid out as they are; nil: all the same.
  var importance: UnsafeBufferPointer<Vector>?
  /// 2^b - 1.
  let maximumCode: Int

  /// 1.5 * 2^23: adding and subtracting it rounds any |x| < 2^22 to the nearest integer, even on
  /// ties, in two additions that every instruction set has.
  static let roundingMagic = Vector(repeating: 12_582_912)
  /// Vectors between two looks at the limit.
  private static let stride = 6

  /// Calls `body` with the numbers of a group as the grid takes them.
  static func withVectors<Result>(
    _ numbers: some RandomAccessCollection<Float>, _ body: (UnsafeBufferPointer<Vector>) -> Result
  ) -> Result {
    let lanes = Vector.scalarCount
    let count = (numbers.count + lanes - 1) / lanes
    return withUnsafeTemporaryAllocation(of: Vector.self, capacity: count) { vectors in
      for index in 0..<count {
        var vector = Vector.zero
        for (lane, number) in numbers.dropFirst(index * lanes).prefix(lanes).enumerated() {
          vector[lane] = number
        }
        vectors.initializeElement(at: index, to: vector)
      }
      return body(UnsafeBufferPointer(vectors))
    }
  }

  /// k = clamp(round(w / s), -z, 2^b - 1 - z) for sixteen weights.
  @inline(__always)
  static func steps(_ weights: Vector, _ inverse: Vector, _ low: Vector, _ high: Vector) -> Vector {
    var t = weights * inverse
    t.replace(with: low, where: t .< low)
    t.replace(with: high, where: t .> high)
    return (t + roundingMagic) - roundingMagic
  }

  /// Sum of (w - s k)^2, each as important as it is, or infinity as soon as it exceeds `limit`.
  func error(scale: Float, zero: Int, limit: Float) -> Float {
    let (s, inverse, low, high) = constants(scale, zero)
    var sum = Vector.zero
    var index = 0
    while index < weights.count {
      let end = min(index + Self.stride, weights.count)
      while index < end {
        let w = weights[index]
        let e = w - Self.steps(w, inverse, low, high) * s
        sum += importance.map { e * e * $0[index] } ?? e * e
        index += 1
      }
      if sum.sum() > limit { return .infinity }
    }
    return sum.sum()
  }

  /// The scale of least error for the codes that `scale` gives: sum(w k) / sum(k^2); nil where all
  /// codes equal the zero point.
  func refittedScale(scale: Float, zero: Int) -> Float? {
    let (_, inverse, low, high) = constants(scale, zero)
    var product = Vector.zero
    var square = Vector.zero
    for (index, w) in weights.enumerated() {
      let k = Self.steps(w, inverse, low, high)
      let weighted = importance.map { k * $0[index] } ?? k
      product += w * weighted
      square += k * weighted
    }
    let (numerator, denominator) = (product.sum(), square.sum())
    return denominator > 0 && numerator > 0 ? numerator / denominator : nil
  }

  /// Writes the code of each weight, without the filling.
  func assign(scale: Float, zero: Int, to codes: UnsafeMutableBufferPointer<UInt8>) {
    let (_, inverse, low, high) = constants(scale, zero)
    for (index, w) in weights.enumerated() {
      let k = Self.steps(w, inverse, low, high)
      let first = index * Vector.scalarCount
      for lane in 0..<min(Vector.scalarCount, codes.count - first) {
        codes[first + lane] = UInt8(Int(k[lane]) + zero)
      }
    }
  }

  @inline(__always)
  private func constants(_ scale: Float, _ zero: Int) -> (Vector, Vector, Vector, Vector) {
    (
      Vector(repeating: scale), Vector(repeating: 1 / scale), Vector(repeating: Float(-zero)),
      Vector(repeating: Float(maximumCode - zero))
    )
  }
}
