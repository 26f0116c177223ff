/// Cuts the ids of a text into non-overlapping windows: all full but the last, which is kept where
/// it has a prediction, that is two tokens. A window of T tokens has T-1 predictions.
struct TextWindows {
  let length: Int
  private var rest: [Int32] = []

  init(length: Int) {
    precondition(length >= 2, "a window has at least two tokens")
    self.length = length
  }

  /// The windows that are full with these ids.
  mutating func add(_ ids: [Int32]) -> [[Int32]] {
    rest += ids
    let full = rest.count / length
    let windows = (0..<full).map { Array(rest[($0 * length)..<(($0 + 1) * length)]) }
    rest.removeFirst(full * length)
    return windows
  }

  /// The tail.
  mutating func finish() -> [[Int32]] {
    defer { rest = [] }
    return rest.count >= 2 ? [rest] : []
  }
}
