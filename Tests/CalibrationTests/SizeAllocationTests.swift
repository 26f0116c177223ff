internal import Calibration
internal import Kernels
import Testing

/// Against a search through all choices.
@Suite struct SizeAllocationTests {
  private typealias Option = SizeAllocation.Option

  /// Least error of all choices that take `limit` bytes at most; nil where none does.
  private func best(_ things: [[Option]], within limit: Int) -> Double? {
    var states = [(bytes: 0, error: 0.0)]
    for options in things {
      states = states.flatMap { state in
        options.map { (state.bytes + $0.byteCount, state.error + $0.error) }
      }
    }
    return states.filter { $0.bytes <= limit }.map(\.error).min()
  }

  private func random(_ random: inout SplitMix64) -> [[Option]] {
    (0..<Int.random(in: 1...5, using: &random)).map { _ in
      let weight = Double.random(in: 0.01...1, using: &random)
      return (0..<Int.random(in: 1...6, using: &random)).map { _ in
        let bytes = Int.random(in: 1...40, using: &random)
        // Mostly less error for more bytes, with some that no choice should take.
        let error = weight * Double.random(in: 0.5...1.5, using: &random) / Double(bytes)
        return Option(byteCount: bytes, error: error)
      }
    }
  }

  private func total(_ things: [[Option]], _ chosen: [Int]) -> (bytes: Int, error: Double) {
    zip(things, chosen).reduce((0, 0.0)) {
      ($0.0 + $1.0[$1.1].byteCount, $0.1 + $1.0[$1.1].error)
    }
  }

  /// Never above the size; never further from the best than one step of one thing; all of it where
  /// there is room for everything; nil where there is no choice.
  @Test func isNearTheBestAndFits() throws {
    var generator = SplitMix64(seed: 11)
    var exact = 0
    for _ in 0..<500 {
      let things = random(&generator)
      let limit = Int.random(in: 0...160, using: &generator)
      guard let expected = best(things, within: limit) else {
        #expect(SizeAllocation.choose(things, within: limit) == nil)
        continue
      }
      let chosen = try #require(SizeAllocation.choose(things, within: limit))
      let own = total(things, chosen)
      #expect(own.bytes <= limit)
      let steps = things.map { options in
        (options.map(\.error).max() ?? 0) - (options.map(\.error).min() ?? 0)
      }
      #expect(own.error >= expected - 1e-12)
      #expect(own.error <= expected + (steps.max() ?? 0) + 1e-12)
      if own.error <= expected + 1e-12 { exact += 1 }
    }
    // It is mostly the best itself.
    #expect(exact > 250)
  }

  /// Where steps end exactly at the size, nothing that takes as much is better.
  @Test func isTheBestAtTheCornersOfTheHull() throws {
    var generator = SplitMix64(seed: 12)
    for _ in 0..<200 {
      // Convex: halving errors for equal bytes, so that each step is a corner.
      let things = (0..<Int.random(in: 1...4, using: &generator)).map { _ in
        let weight = Double.random(in: 0.01...1, using: &generator)
        return (1...5).map { Option(byteCount: 10 * $0, error: weight / Double(1 << $0)) }
      }
      let limit = 10 * Int.random(in: things.count...5 * things.count, using: &generator)
      let chosen = try #require(SizeAllocation.choose(things, within: limit))
      let expected = try #require(best(things, within: limit))
      #expect(abs(total(things, chosen).error - expected) < 1e-12)
      #expect(total(things, chosen).bytes == limit)
    }
  }

  @Test func tiesGoToTheFirst() {
    let options = [Option(byteCount: 1, error: 2), Option(byteCount: 2, error: 1)]
    #expect(SizeAllocation.choose([options, options], within: 3) == [1, 0])
    #expect(SizeAllocation.choose([options, options], within: 100) == [1, 1])
    #expect(SizeAllocation.choose([options, options], within: 1) == nil)
  }

  /// An option that costs more and is no better is never taken, nor one that saves nothing.
  @Test func uselessOptionsAreLeft() {
    let options = [
      Option(byteCount: 5, error: 1), Option(byteCount: 1, error: 1),
      Option(byteCount: 9, error: 1),
    ]
    #expect(SizeAllocation.choose([options], within: 100) == [1])
    let nothing = [Option(byteCount: 1, error: 0), Option(byteCount: 2, error: 0)]
    #expect(SizeAllocation.choose([nothing], within: 100) == [0])
  }
}
