extension BytePairModel {
  /// The memory of one word's merging, kept from word to word.
  struct Workspace {
    struct Symbol {
      var id: Int32
      var previous: Int32
      var next: Int32
      /// First byte in the text.
      var start: Int
    }

    /// A character without a symbol; never merges.
    static let noSymbol: Int32 = -1
    /// A symbol that was joined to the one before it.
    static let joined: Int32 = -2

    private(set) var symbols: [Symbol] = []
    /// A binary heap of `rank << 32 | position`, smallest first.
    private var heap: [UInt64] = []
    /// How unused pieces came about.
    var parts: [Int32: (Int32, Int32)] = [:]
    var endsInUnknown = false

    mutating func removeAll() {
      symbols.removeAll(keepingCapacity: true)
      heap.removeAll(keepingCapacity: true)
      if !parts.isEmpty { parts.removeAll() }
      endsInUnknown = false
    }

    mutating func append(_ id: Int32, at start: Int) {
      symbols.append(Symbol(id: id, previous: 0, next: 0, start: start))
      endsInUnknown = false
    }

    mutating func link() {
      for index in symbols.indices {
        symbols[index].previous = Int32(index) - 1
        symbols[index].next = index + 1 < symbols.count ? Int32(index) + 1 : -1
      }
    }

    /// Replaces a symbol and the one after it by `id`.
    mutating func join(_ left: Int, into id: Int32) {
      let right = Int(symbols[left].next)
      let after = symbols[right].next
      symbols[left].id = id
      symbols[left].next = after
      symbols[right].id = Self.joined
      if after >= 0 { symbols[Int(after)].previous = Int32(left) }
    }

    mutating func pushCandidate(rank: Int32, at position: Int) {
      let item = UInt64(UInt32(bitPattern: rank)) << 32 | UInt64(position)
      var index = heap.count
      heap.append(item)
      while index > 0 {
        let parent = (index - 1) / 2
        guard heap[parent] > item else { break }
        heap[index] = heap[parent]
        index = parent
      }
      heap[index] = item
    }

    mutating func popCandidate() -> (rank: Int32, position: Int)? {
      guard let top = heap.first, let item = heap.popLast() else { return nil }
      if !heap.isEmpty { sink(item) }
      return (Int32(bitPattern: UInt32(top >> 32)), Int(top & 0xFFFF_FFFF))
    }

    private mutating func sink(_ item: UInt64) {
      var index = 0
      while true {
        var child = 2 * index + 1
        guard child < heap.count else { break }
        if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
        guard heap[child] < item else { break }
        heap[index] = heap[child]
        index = child
      }
      heap[index] = item
    }
  }
}
