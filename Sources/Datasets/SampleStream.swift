/// The tokens of all sequences of a data set, one after the other; read where they are asked for.
package struct SampleStream: Sendable {
  private let data: TokenDataset
  /// Where each sequence begins, and behind them where the last one ends.
  private let starts: [Int]

  package init(_ data: TokenDataset) {
    self.data = data
    starts = (0..<data.count).reduce(into: [0]) { starts, index in
      starts.append(starts[index] + data.length(at: index))
    }
  }

  package var count: Int { starts[data.count] }

  /// Tokens [range.count]; `range` lies in 0..<count.
  package func tokens(in range: Range<Int>) -> [Int32] {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "tokens outside the stream")
    // The last sequence that begins at or before the range.
    var (low, high) = (0, data.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle] <= range.lowerBound { low = middle } else { high = middle }
    }
    var tokens: [Int32] = []
    while tokens.count < range.count {
      let sequence = data.sequence(at: low).tokens
      let first = range.lowerBound + tokens.count - starts[low]
      tokens += sequence[first..<min(sequence.count, first + range.count - tokens.count)]
      low += 1
    }
    return tokens
  }
}
