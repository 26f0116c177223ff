/// A permutation of `0..<count` that is computed, not stored: any element in constant time.
///
/// A balanced Feistel network permutes the next power of four; values that fall outside are fed in
/// again until one falls inside (cycle walking: Black and Rogaway, "Ciphers with arbitrary finite
/// domains", 2002). The domain is less than four times `count` (beyond the smallest), so that takes
/// under four turns on average. The round function is the SplitMix64 finaliser (Steele, Lea and
/// Flood 2014). Good for shuffling, not for secrets.
package struct IndexPermutation: Sendable {
  package let count: Int
  private let halfBits: UInt64
  private let keys: SIMD8<UInt64>

  /// `stream` tells permutations of the same seed apart (the epoch, for a data order).
  package init(count: Int, seed: UInt64, stream: UInt64 = 0) {
    precondition(count > 0, "a permutation needs at least one element")
    self.count = count
    let bits = UInt64(max(UInt64(count - 1).bitWidth - UInt64(count - 1).leadingZeroBitCount, 1))
    halfBits = (bits + 1) / 2
    var state = splitMix(splitMix(seed) ^ stream)
    var keys = SIMD8<UInt64>()
    for round in 0..<keys.scalarCount {
      state &+= 0x9E37_79B9_7F4A_7C15
      keys[round] = splitMix(state)
    }
    self.keys = keys
  }

  package subscript(_ index: Int) -> Int {
    precondition(index >= 0 && index < count, "index outside the permutation")
    var value = UInt64(index)
    repeat { value = permuteDomain(value) } while value >= UInt64(count)
    return Int(value)
  }

  private func permuteDomain(_ value: UInt64) -> UInt64 {
    let mask = (UInt64(1) << halfBits) - 1
    var left = value >> halfBits
    var right = value & mask
    for round in 0..<keys.scalarCount {
      (left, right) = (right, left ^ (splitMix(right ^ keys[round]) & mask))
    }
    return left << halfBits | right
  }
}

private func splitMix(_ value: UInt64) -> UInt64 {
  var mixed = value
  mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
  mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
  return mixed ^ (mixed >> 31)
}
