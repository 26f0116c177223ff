/// A small generator with a fixed sequence (Steele, Lea, Flood 2014), so that tests repeat.
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Nearly normal: twelve uniform numbers, minus their mean.
  mutating func normal() -> Float {
    (0..<12).reduce(Float(-6)) { sum, _ in sum + Float.random(in: 0..<1, using: &self) }
  }

  /// Normal weights with some outliers, as rows of real models have.
  mutating func weights(_ count: Int, spread: Float = 0.05) -> [Float] {
    (0..<count).map { _ in
      let outlier: Float = next() % 97 == 0 ? 5 : 1
      return normal() * spread * outlier
    }
  }
}
