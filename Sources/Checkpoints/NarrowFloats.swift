/// The upper half of a Float: 8 bits of exponent, 7 of fraction. The one place that converts it.
package struct BFloat16: Sendable, Equatable, BitwiseCopyable {
  package var bits: UInt16

  package init(bits: UInt16) { self.bits = bits }

  /// Rounds to nearest, ties to even; a NaN stays one (its payload must not round up to infinity).
  @inline(__always)
  package init(_ value: Float) {
    let source = value.bitPattern
    bits =
      value.isNaN
      ? UInt16(truncatingIfNeeded: source >> 16) | 0x40
      : UInt16(truncatingIfNeeded: (source &+ 0x7FFF &+ (source >> 16 & 1)) >> 16)
  }

  /// Exact.
  @inline(__always)
  package var float: Float { Float(bitPattern: UInt32(bits) << 16) }
}

extension Float {
  /// Half precision to single by integer arithmetic, exact.
  ///
  /// `Float(Float16)` is a call into the run-time library unless the whole program is built for
  /// F16C; this has no branch and vectorizes.
  @inline(__always)
  package init(halfBits half: UInt16) {
    let exponentBias: UInt32 = (127 - 15) << 23
    let magnitude = UInt32(half & 0x7FFF) << 13
    let exponent = magnitude & (0x1F << 23)
    // Infinity and NaN: exponent 31 becomes 255.
    let infinite: UInt32 = exponent == 0x1F << 23 ? exponentBias : 0
    let normal = magnitude &+ exponentBias &+ infinite
    // Subnormal: 2^-14 is added as an exponent and taken away as a number. No subnormal Float
    // is ever formed.
    let least = Float(bitPattern: 113 << 23)
    let subnormal = (Float(bitPattern: magnitude &+ 113 << 23) - least).bitPattern
    let sign = UInt32(half & 0x8000) << 16
    self = Float(bitPattern: (exponent == 0 ? subnormal : normal) | sign)
  }
}
