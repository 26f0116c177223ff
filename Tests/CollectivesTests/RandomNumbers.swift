/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every rank.
struct RandomNumbers: RandomNumberGenerator {
  var state: UInt64

  init(seed: Int) { state = UInt64(seed) }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

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
