/// How many samples have a length from `least` to `greatest` tokens, both included.
package struct LengthBin: Sendable, Equatable {
  package var least: Int
  package var greatest: Int
  package var samples: Int

  private static let mostBins = 32

  /// Bins of one width, 1, 2 or 5 times a power of ten, from 1 to the longest; at most 32, without
  /// empty ones. Two passes, nothing is kept.
  package static func count(_ lengths: some Sequence<Int>) -> [LengthBin] {
    guard let longest = lengths.max(), longest > 0 else { return [] }
    let width = width(ofLongest: longest)
    var bins = (0...((longest - 1) / width)).map {
      LengthBin(least: $0 * width + 1, greatest: ($0 + 1) * width, samples: 0)
    }
    for length in lengths where length > 0 { bins[(length - 1) / width].samples += 1 }
    return bins.filter { $0.samples > 0 }
  }

  private static func width(ofLongest longest: Int) -> Int {
    var decade = 1
    while true {
      for width in [decade, 2 * decade, 5 * decade] where (longest - 1) / width < mostBins {
        return width
      }
      decade *= 10
    }
  }
}
