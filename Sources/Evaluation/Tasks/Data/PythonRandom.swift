/// Python's `random.Random(seed)`: the Mersenne Twister MT19937 (Matsumoto and Nishimura 1998) with
/// the seeding and the sampling of CPython 3.11, so that examples are those of other programs.
package struct PythonRandom: Sendable {
  private var state = [UInt32](repeating: 0, count: Self.size)
  private var next = Self.size
  private static let (size, middle) = (624, 397)

  package init(seed: UInt32) {
    seed32(19_650_218)
    var index = 1
    // One word of key, so its index adds nothing.
    for _ in 0..<Self.size {
      state[index] = (state[index] ^ (mixed(index) &* 1_664_525)) &+ seed
      advance(&index)
    }
    for _ in 0..<Self.size - 1 {
      state[index] = (state[index] ^ (mixed(index) &* 1_566_083_941)) &- UInt32(index)
      advance(&index)
    }
    state[0] = 0x8000_0000
  }

  private mutating func seed32(_ seed: UInt32) {
    state[0] = seed
    for index in 1..<Self.size {
      state[index] = mixed(index) &* 1_812_433_253 &+ UInt32(index)
    }
  }

  private func mixed(_ index: Int) -> UInt32 { state[index - 1] ^ (state[index - 1] >> 30) }

  private mutating func advance(_ index: inout Int) {
    index += 1
    guard index == Self.size else { return }
    state[0] = state[Self.size - 1]
    index = 1
  }

  /// 32 random bits.
  package mutating func word() -> UInt32 {
    if next == Self.size { twist() }
    var y = state[next]
    next += 1
    y ^= y >> 11
    y ^= (y << 7) & 0x9D2C_5680
    y ^= (y << 15) & 0xEFC6_0000
    return y ^ (y >> 18)
  }

  private mutating func twist() {
    for index in 0..<Self.size {
      let y = (state[index] & 0x8000_0000) | (state[(index + 1) % Self.size] & 0x7FFF_FFFF)
      state[index] =
        state[(index + Self.middle) % Self.size] ^ (y >> 1) ^ (y & 1 == 0 ? 0 : 0x9908_B0DF)
    }
    next = 0
  }

  /// `_randbelow(n)`, for n in 1..<2^32.
  mutating func below(_ count: Int) -> Int {
    let bits = Int.bitWidth - count.leadingZeroBitCount
    while true {
      let value = Int(word() >> UInt32(32 - bits))
      if value < count { return value }
    }
  }

  /// The indices of `sample(population, k)` for a population of `count`; k <= count.
  package mutating func sample(_ k: Int, of count: Int) -> [Int] {
    precondition((0...count).contains(k) && count < 1 << 32, "a sample larger than the population")
    guard count > setSize(k) else {
      var pool = Array(0..<count)
      return (0..<k).map { index in
        let j = below(count - index)
        defer { pool[j] = pool[count - index - 1] }
        return pool[j]
      }
    }
    var selected: Set<Int> = []
    return (0..<k).map { _ in
      var j = below(count)
      while !selected.insert(j).inserted { j = below(count) }
      return j
    }
  }

  /// Up to so many elements Python draws from a list in place of noting what it has drawn:
  /// 21, for k > 5 and 4 ** ceil(log(3 k, 4)) more.
  private func setSize(_ k: Int) -> Int {
    guard k > 5 else { return 21 }
    var power = 1
    while power < 3 * k { power *= 4 }
    return 21 + power
  }
}
