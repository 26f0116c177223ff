/// The generator behind sampling and synthetic bases: the same numbers from the same seed on every
/// machine.
///
/// Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014, with the
/// finalizer by Stafford (mix 13), as in the public reference `splitmix64.c` by Vigna.
package struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Random bytes, eight a number, little-endian; what is over of the last number is dropped.
  package mutating func fill(_ bytes: UnsafeMutableRawBufferPointer) {
    let whole = bytes.count / 8
    for index in 0..<whole {
      bytes.storeBytes(of: next().littleEndian, toByteOffset: index * 8, as: UInt64.self)
    }
    var rest = bytes.count % 8 > 0 ? next() : 0
    for index in (whole * 8)..<bytes.count {
      bytes[index] = UInt8(truncatingIfNeeded: rest)
      rest >>= 8
    }
  }

  /// A multiple of 2^-53 in 0..<1.
  package mutating func unitInterval() -> Double { Double(next() >> 11) * 0x1p-53 }
}
