/// Items that one rank works on together: such that share a beginning, or a few short ones.
///
/// Cut by the texts alone, so that units are the same on any number of ranks.
enum TaskUnits {
  /// Bytes that are worth a pass: about `Decoder.scoredTokens` tokens.
  private static let bytes = 2048
  /// Texts that are generated side by side.
  static let generated = 8

  static func cut(_ items: [TaskItem], _ kind: TaskDefinition.Kind) -> [Range<Int>] {
    guard kind != .generation else {
      return stride(from: 0, to: items.count, by: generated).map {
        $0..<min(items.count, $0 + generated)
      }
    }
    var units: [Range<Int>] = []
    var start = 0
    while start < items.count {
      let end = end(of: items, from: start)
      units.append(start..<end)
      start = end
    }
    return units
  }

  /// Adds items until what they have of their own is enough for a pass, and twice what they share.
  private static func end(of items: [TaskItem], from start: Int) -> Int {
    let first = context(items[start])
    var (shared, contexts, continuations) = (first.count, 0, 0)
    for index in start..<items.count {
      let context = context(items[index])
      shared = zip(first[..<shared], context).prefix { $0 == $1 }.count
      contexts += context.count
      continuations += items[index].requests.reduce(0) { $0 + $1.continuation.utf8.count }
      let own = contexts - (index - start + 1) * shared + continuations
      if own >= max(bytes, 2 * shared) { return index + 1 }
    }
    return items.count
  }

  private static func context(_ item: TaskItem) -> [UInt8] { Array(item.requests[0].context.utf8) }
}
