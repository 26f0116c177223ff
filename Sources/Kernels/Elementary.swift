internal import CKernels

/// Exponentials, logarithms, sines and cosines with the same bits on every CPU and with every C
/// library (see `elementary.c`): what numbers of a training step are made of goes through these.
package enum Elementary {
  package static func exp(_ x: Double) -> Double { peqa_exp(x) }
  package static func log(_ x: Double) -> Double { peqa_log(x) }
  /// Of x > 0.
  package static func pow(_ x: Double, _ y: Double) -> Double { peqa_pow(x, y) }
  package static func sin(_ x: Double) -> Double { peqa_sin(x) }
  package static func cos(_ x: Double) -> Double { peqa_cos(x) }

  /// x^n by squaring, for n >= 0.
  package static func power(_ x: Double, _ n: Int) -> Double {
    var (result, square, left) = (1.0, x, n)
    while left > 0 {
      if left & 1 == 1 { result *= square }
      square *= square
      left >>= 1
    }
    return result
  }
}
