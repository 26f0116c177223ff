import Kernels

/// Addends of tests, the same on every rank.
struct RandomNumbers: RandomNumberGenerator {
  private var numbers: SplitMix64

  init(seed: Int) { numbers = SplitMix64(seed: UInt64(seed)) }

  mutating func next() -> UInt64 { numbers.next() }

  /// Floats of both signs, of many magnitudes up to `2^largest`, with ties and zeros among them.
  mutating func floats(_ count: Int, largest: Int) -> [Float] {
    (0..<count).map { _ in
      let exponent = Int.random(in: -60...largest - 1, using: &self)
      let value = Float(sign: .plus, exponent: exponent, significand: 1)
      switch Int.random(in: 0..<8, using: &self) {
      case 0: return 0
      case 1: return value
      case 2: return -1.5 * value
      default: return value * Float.random(in: -2...2, using: &self)
      }
    }
  }
}
