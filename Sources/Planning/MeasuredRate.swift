internal import Foundation
package import JSONText
internal import Reporting

/// A rate that was measured, and what it is worth.
package struct MeasuredRate: Sendable, Equatable {
  /// Operations per second of one thread.
  package var threadRate: Double
  /// How far off it may be, as a share of it.
  package var relativeError: Double
  /// How long the measurement took, in seconds.
  package var seconds: Double
  /// Cores that other programs used meanwhile, on average.
  package var foreignCores: Double

  /// What no measurement here is better than: clocks and caches differ that much between runs.
  private static let leastError = 0.05
  /// What a halved length adds to the error. Without a line through two lengths 256 tokens had 0.85
  /// of the rate of 512, and 128 had 0.64 (SmolLM2's shape, 6 blocks, two threads with AVX2).
  private static let errorOfHalving = 0.2

  /// - Parameters:
  ///   - operations: of a pass through all blocks.
  ///   - passes: what passes took, by the number of blocks that they went through.
  ///   - layers: the blocks of the whole model.
  ///   - threads: that shared the operations of a pass.
  ///   - halvings: how often the run's sequences were halved for the measurement.
  ///   - missing: cores that the measurement needed and other programs had, on average.
  package init(
    operations: Double, passes: [PassTimes], layers: Int, threads: Int, seconds: Double,
    foreignCores: Double, missing: Double, busyThreads: Int, halvings: Double = 0
  ) {
    let (whole, error) = Self.wholePass(passes, layers: layers)
    threadRate = operations / max(whole, 1e-9) / Double(threads)
    let disturbed = missing / Double(max(1, busyThreads))
    relativeError = max(
      Self.leastError, error / max(whole, 1e-9), disturbed, Self.errorOfHalving * halvings)
    (self.seconds, self.foreignCores) = (seconds, foreignCores)
  }

  /// Seconds of a pass through all blocks, and the error of that: with two depths a straight line
  /// through both, whose errors add up.
  private static func wholePass(
    _ passes: [PassTimes], layers: Int
  ) -> (seconds: Double, error: Double) {
    guard let first = passes.first, let last = passes.last else { return (0, 0) }
    guard last.layers > first.layers else {
      let scale = Double(layers) / Double(first.layers)
      return (first.typical * scale, first.halfRange * scale)
    }
    let share = Double(layers - first.layers) / Double(last.layers - first.layers)
    // Vocabulary and norms take no less than nothing.
    let block = min(
      max(0, last.typical - first.typical) * share,
      last.typical / Double(last.layers) * Double(layers - first.layers))
    let error = abs(1 - share) * first.halfRange + share * last.halfRange
    return (first.typical + block, error)
  }

  /// `measured for 12 s; other programs used 0.3 cores: +- 25 %`.
  package var text: String {
    let percent = Int((relativeError * 20).rounded(.up)) * 5
    return "measured for \(fixed(seconds, digits: 0)) s; other programs used "
      + "\(fixed(foreignCores, digits: 1)) cores: +- \(percent) %"
  }

  package var json: JSONValue {
    [
      "seconds": .real(seconds), "foreign_cores": .real(foreignCores),
      "relative_error": .real(relativeError),
    ]
  }
}

/// What passes through the same number of blocks took.
package struct PassTimes: Sendable, Equatable {
  package var layers: Int
  /// In seconds, of passes that other programs did not disturb.
  package var calm: [Double] = []
  /// Of all others.
  package var disturbed: [Double] = []

  package init(layers: Int, calm: [Double] = [], disturbed: [Double] = []) {
    (self.layers, self.calm, self.disturbed) = (layers, calm, disturbed)
  }

  /// The same of longer sequences, by the line through two lengths: a pass takes a part that every
  /// length has alike, as codes are unpacked once, and a part for each token.
  package func extrapolated(
    from shorter: (tokens: Int, seconds: Double), at tokens: Int, to longer: Int
  ) -> PassTimes {
    let share = Double(longer - tokens) / Double(tokens - shorter.tokens)
    func line(_ seconds: Double) -> Double {
      // Twice the length takes neither less time nor more than twice as much.
      seconds + max(0, min(seconds - shorter.seconds, seconds / 2)) * share
    }
    return PassTimes(layers: layers, calm: calm.map(line), disturbed: disturbed.map(line))
  }

  /// The median of what was not disturbed; else the least, as a disturbance only adds.
  package var typical: Double {
    let sorted = calm.sorted()
    return sorted.isEmpty ? disturbed.min() ?? 0 : sorted[sorted.count / 2]
  }

  /// Half the distance between the fastest and the slowest pass; a tenth of a single one.
  var halfRange: Double {
    let used = calm.isEmpty ? disturbed : calm
    guard used.count > 1, let least = used.min(), let most = used.max() else {
      return typical / 10
    }
    return (most - least) / 2
  }
}
