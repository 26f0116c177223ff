import Kernels

/// Operands of tests, the same in every run.
struct RandomNumbers: RandomNumberGenerator {
  private var numbers: SplitMix64

  init(seed: Int) {
    numbers = SplitMix64(seed: UInt64(truncatingIfNeeded: seed) &* 0xD134_2543_DE82_EF95 &+ 1)
  }

  mutating func next() -> UInt64 { numbers.next() }

  /// Between -1 and 1, times `scale`.
  mutating func floats(_ count: Int, scale: Float = 1) -> [Float] {
    (0..<count).map { _ in (Float(next() >> 40) * 0x1p-23 - 1) * scale }
  }

  mutating func integer(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + Int(next() >> 33) % range.count
  }
}
