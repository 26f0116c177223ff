/// Which two neighbouring symbols may become one, and how early: the learned part of a BPE model.
struct MergeTable: Sendable {
  struct Merge: Sendable, Equatable {
    /// Smaller merges first.
    var rank: Int32
    /// The symbol that replaces the pair.
    var result: Int32
  }

  private var keys: [UInt64]
  private var merges: [Merge]
  private(set) var count = 0
  private let multiplier = UInt64.random(in: .min ... .max) | 1

  private static let empty = UInt64.max

  init(minimumCapacity: Int = 8) {
    var size = 16
    while size < minimumCapacity * 2 { size *= 2 }
    keys = Array(repeating: Self.empty, count: size)
    merges = Array(repeating: Merge(rank: 0, result: 0), count: size)
  }

  subscript(left: Int32, right: Int32) -> Merge? {
    guard left >= 0, right >= 0 else { return nil }
    let slot = slot(of: Self.key(left, right))
    return keys[slot] == Self.empty ? nil : merges[slot]
  }

  /// Adds a merge of two symbols (both >= 0). Of two merges of the same pair the later one counts,
  /// as in the reference implementation.
  mutating func insert(_ left: Int32, _ right: Int32, _ merge: Merge) {
    let key = Self.key(left, right)
    let slot = slot(of: key)
    merges[slot] = merge
    guard keys[slot] == Self.empty else { return }
    keys[slot] = key
    count += 1
    if count * 2 > keys.count { grow() }
  }

  private mutating func grow() {
    let (oldKeys, oldMerges) = (keys, merges)
    keys = Array(repeating: Self.empty, count: oldKeys.count * 2)
    merges = Array(repeating: Merge(rank: 0, result: 0), count: keys.count)
    for (key, merge) in zip(oldKeys, oldMerges) where key != Self.empty {
      let slot = slot(of: key)
      keys[slot] = key
      merges[slot] = merge
    }
  }

  private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  private func slot(of key: UInt64) -> Int {
    let mask = keys.count - 1
    var mixed = (key ^ (key >> 29)) &* multiplier
    mixed ^= mixed >> 32
    var slot = Int(truncatingIfNeeded: mixed) & mask
    while keys[slot] != Self.empty, keys[slot] != key { slot = (slot + 1) & mask }
    return slot
  }
}
