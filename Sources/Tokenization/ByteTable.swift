/// A map from byte strings to small integers that compares bytes and nothing else.
///
/// `Dictionary<String, _>` compares by Unicode canonical equivalence, which would merge vocabulary
/// entries that differ only in normalisation; `Dictionary<[UInt8], _>` needs an allocation to look
/// up a part of a text. Open addressing over one flat buffer does neither.
struct ByteTable: Sendable {
  private var bytes: [UInt8] = []
  /// Key k occupies `ends[k - 1] ..< ends[k]` of `bytes`.
  private var ends: [Int] = []
  private var values: [Int32] = []
  /// Index of a key, or -1; the count is a power of two.
  private var slots: [Int32]
  /// Differs from process to process, so that no file can be made to collide everywhere.
  private let seed = UInt64.random(in: .min ... .max)

  init(minimumCapacity: Int = 8) {
    var size = 16
    while size < minimumCapacity * 2 { size *= 2 }
    slots = Array(repeating: -1, count: size)
  }

  var count: Int { ends.count }

  func value(of text: [UInt8], _ range: Range<Int>) -> Int32? {
    let key = slots[slot(of: text, range)]
    return key < 0 ? nil : values[Int(key)]
  }

  func value(of text: [UInt8]) -> Int32? { value(of: text, 0..<text.count) }

  /// Adds a key; false where it is already there (the first value stays).
  @discardableResult
  mutating func insert(_ text: [UInt8], _ range: Range<Int>, value: Int32) -> Bool {
    let slot = slot(of: text, range)
    guard slots[slot] < 0 else { return false }
    slots[slot] = Int32(ends.count)
    bytes.append(contentsOf: text[range])
    ends.append(bytes.count)
    values.append(value)
    if ends.count * 2 > slots.count { grow() }
    return true
  }

  @discardableResult
  mutating func insert(_ text: [UInt8], value: Int32) -> Bool {
    insert(text, 0..<text.count, value: value)
  }

  private mutating func grow() {
    slots = Array(repeating: -1, count: slots.count * 2)
    var start = 0
    for key in ends.indices {
      slots[slot(of: bytes, start..<ends[key])] = Int32(key)
      start = ends[key]
    }
  }

  /// The slot that holds the key, or the empty one where it belongs.
  private func slot(of text: [UInt8], _ range: Range<Int>) -> Int {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash(text, range)) & mask
    while slots[slot] >= 0, !holds(Int(slots[slot]), text, range) { slot = (slot + 1) & mask }
    return slot
  }

  /// FNV-1a from a random start, with a final mix: most keys are a few bytes.
  private func hash(_ text: [UInt8], _ range: Range<Int>) -> UInt64 {
    var hash = seed
    for index in range { hash = (hash ^ UInt64(text[index])) &* 0x100_0000_01b3 }
    hash ^= hash >> 32
    hash = hash &* 0x9E37_79B9_7F4A_7C15
    return hash ^ (hash >> 29)
  }

  private func holds(_ key: Int, _ text: [UInt8], _ range: Range<Int>) -> Bool {
    let start = key == 0 ? 0 : ends[key - 1]
    guard ends[key] - start == range.count else { return false }
    for offset in 0..<range.count where bytes[start + offset] != text[range.lowerBound + offset] {
      return false
    }
    return true
  }
}
