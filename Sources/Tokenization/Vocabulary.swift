/// The bytes that each id stands for in decoded text, ids 0 ..< count.
struct Vocabulary: Sendable {
  private var bytes: [UInt8] = []
  /// Id i occupies `ends[i - 1] ..< ends[i]`.
  private var ends: [Int] = []

  /// Ids may leave holes, but not more than so many: a broken id must not cost gigabytes.
  static let maximumHoles = 1 << 20

  /// Entries in any order; ids without an entry stand for nothing. Nil where an id is negative or
  /// too large for the number of entries.
  init?(_ entries: [(id: Int, bytes: [UInt8])]) {
    let count = (entries.map(\.id).max() ?? -1) + 1
    guard entries.allSatisfy({ $0.id >= 0 }), count <= entries.count + Self.maximumHoles else {
      return nil
    }
    var order = [Int32](repeating: -1, count: count)
    for (index, entry) in entries.enumerated() { order[entry.id] = Int32(index) }
    ends.reserveCapacity(count)
    for index in order {
      if index >= 0 { bytes.append(contentsOf: entries[Int(index)].bytes) }
      ends.append(bytes.count)
    }
  }

  var count: Int { ends.count }

  /// Empty for ids out of range.
  subscript(_ id: Int32) -> ArraySlice<UInt8> {
    guard id >= 0, id < ends.count else { return [] }
    return bytes[(id == 0 ? 0 : ends[Int(id) - 1])..<ends[Int(id)]]
  }
}
