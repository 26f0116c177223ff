import Kernels

/// Weights of tests, the same in every run.
extension SplitMix64 {
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
