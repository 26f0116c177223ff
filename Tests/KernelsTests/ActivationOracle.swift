internal import CKernels
internal import Foundation
internal import Kernels

extension Activation {
  /// As the kernels below `Compute` take it.
  var forKernels: peqa_activation {
    switch self {
    case .silu: PEQA_SILU
    case .relu: PEQA_RELU
    case .gelu: PEQA_GELU
    case .geluTanh: PEQA_GELU_TANH
    }
  }
}

/// An activation and its slope by definition in Double, and by how much the kernels may miss them.
///
/// Bounds count roundings of 2^-24 (`unit`) to first order. Slopes are central differences with
/// step h = 1e-4: third derivatives stay below 1, so they err by h^2 / 6 < 1e-8, and by what
/// numbers near x lose, 2^-51 |x| / h.
struct ActivationOracle {
  let value, valueBound: Double
  let slope, slopeBound: Double

  /// The vector exponential holds its argument within 88.3, so what should vanish leaves 2^-127 of
  /// a sigmoid or 2^-125 of an exponential: times |x| <= 200 in a value.
  private static let vanishing = 0x1p-115
  /// In a slope that is multiplied by |x| and by 2 sqrt(2 / pi) (1 + 0.134 x^2) < 8600.
  private static let vanishingSlope = 0x1p-100
  private static let step = 1e-4

  init(_ f: Activation, _ x: Double) {
    let h = Self.step
    value = Self.definition(f, x)
    valueBound = Self.valueError(f, x, value)
    if f == .relu {
      (slope, slopeBound) = (x > 0 ? 1 : 0, 0)
    } else {
      slope = (Self.definition(f, x + h) - Self.definition(f, x - h)) / (2 * h)
      let ofDifference = 1e-8 + 0x1p-51 * abs(x) / h
      slopeBound =
        Self.slopeError(f, x) + abs(slope) * unit + ofDifference + Self.vanishingSlope
    }
  }

  private static func definition(_ f: Activation, _ x: Double) -> Double {
    switch f {
    case .silu: x / (1 + exp(-x))
    case .relu: max(x, 0)
    case .gelu: x * erfc(-x * 0.5.squareRoot()) / 2
    // tanh(sqrt(2 / pi) (x + 0.044715 x^3)).
    case .geluTanh: x / 2 * (1 + tanh(inner(x) / 2))
    }
  }

  private static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

  /// 2 sqrt(2 / pi).
  private static let incline = (8 / Double.pi).squareRoot()

  /// The argument of the sigmoid that (1 + tanh) / 2 is: twice that of tanh.
  private static func inner(_ x: Double) -> Double {
    let cube = 0.044715 * x * x * x
    return incline * (x + cube)
  }

  private static func valueError(_ f: Activation, _ x: Double, _ value: Double) -> Double {
    switch f {
    // Exponential 4 units, sum, quotient, product: 7, and one for second order.
    case .silu: return abs(value) * 8 * unit + vanishing
    case .relu: return 0
    case .gelu: return abs(x) * normalError(x) + abs(value) * 2 * unit + vanishing
    case .geluTanh:
      // The argument errs by 8 units: cube and its factor 4, sum 1, the outer factor 2, spare 1. A
      // sigmoid s passes on (1 - s) of its argument's error and adds 6; the product follows. The
      // definition's own 1 + tanh loses 2^-53 where it cancels.
      let passedOn = 9 * abs(inner(x)) * sigmoid(-inner(x))
      let cancelled = 0x1p-52 * abs(x)
      return abs(value) * (passedOn + 8) * unit + cancelled + vanishing
    }
  }

  /// Error of Phi(x) = erfc(z) / 2, z = -x / sqrt(2).
  ///
  /// The tail, relatively: the fit 2 units; its polynomial, whose partial sums add up to 4 and
  /// whose coefficients to 6, and which passes on 1.3 times the 3 units of t: 14; the exponential
  /// 4, t and the products 5; the exponent rounds by a unit of z^2 + 1.3, and z by 1.3 units, which
  /// is 2.6 z^2. Together 27 + 3.6 z^2 with z^2 = x^2 / 2. erfcf of a C library (3 ulp, the
  /// argument likewise) stays below. Above 0 the tail is taken from 1: another rounding, or those 3
  /// ulp.
  private static func normalError(_ x: Double) -> Double {
    let tail = erfc(abs(x) * 0.5.squareRoot()) / 2
    return (tail * (32 + 2.5 * x * x) + (x < 0 ? 0 : 8)) * unit
  }

  private static func slopeError(_ f: Activation, _ x: Double) -> Double {
    switch f {
    case .silu:
      // s (1 + x (1 - s)): the bracket may cancel, so its parts count, and 1 - s errs by 8 s units.
      let s = sigmoid(x)
      let bracket = 1 + abs(x) * (1 - s)
      return (16 * s * bracket + 8 * s * s * abs(x)) * unit
    case .relu: return 0
    case .gelu:
      // Phi + x phi: the density's exponential 4 units and its argument x^2 / 2 (two roundings at
      // most), its factors 4, the sum 1.
      let density = exp(-x * x / 2) / (2 * Double.pi).squareRoot()
      return normalError(x) + abs(x) * density * (9 + x * x) * unit
    case .geluTanh:
      // s + x s (1 - s) inner'. Sum and quotient round s by a unit each, but never past 1, which is
      // a number; the argument and the exponential count as in the value. inner' errs by 6 units,
      // the products by 5.
      let u = inner(x)
      let (s, rest) = (sigmoid(u), sigmoid(-u))
      let passedOn = rest * (9 * abs(u) + 4) * unit
      let sError = s * (passedOn + min(2 * unit, 2 * rest))
      let turn = abs(x) * incline * (1 + 0.134145 * x * x)
      return sError * (1 + turn) + (12 * turn * s * rest + 3 * s) * unit
    }
  }
}
