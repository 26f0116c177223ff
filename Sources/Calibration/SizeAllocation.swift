/// Chooses one option for each of many things so that the sum of their errors is small and the sum
/// of their bytes at most what is given.
///
/// First by steps along the lower convex hull of each thing's (bytes, error), the one that saves
/// most error for a byte first, until one does not fit: that is the best choice of all that take
/// no more bytes (Everett 1963, "Generalized Lagrange multiplier method"; Shoham and Gersho 1988
/// for bits). What then remains goes, change by change, to whatever saves most error and fits. The
/// result is at most one step of the hull from the best. Ties go to the thing that comes first.
package enum SizeAllocation {
  package struct Option: Sendable, Equatable {
    package let byteCount: Int
    package let error: Double

    package init(byteCount: Int, error: Double) {
      (self.byteCount, self.error) = (byteCount, error)
    }
  }

  /// The options' indices; nil where the smallest ones are too large.
  package static func choose(_ things: [[Option]], within limit: Int) -> [Int]? {
    let hulls = things.map(hull)
    var chosen = hulls.map { $0[0] }
    var rest = zip(things, chosen).reduce(limit) { $0 - $1.0[$1.1].byteCount }
    guard rest >= 0 else { return nil }
    for step in steps(things, hulls) {
      guard step.byteCount <= rest else { break }
      chosen[step.thing] = step.option
      rest -= step.byteCount
    }
    while let change = best(things, chosen, within: rest) {
      chosen[change.thing] = change.option
      rest -= change.byteCount
    }
    return chosen
  }

  /// From one option of a thing to another.
  private struct Step {
    let thing, option: Int
    let byteCount: Int
    /// Error that it saves.
    let gain: Double
    var rate: Double { gain / Double(byteCount) }
  }

  /// Options from the smallest to that of least error, each step saving less for a byte than the
  /// one before.
  static func hull(_ options: [Option]) -> [Int] {
    precondition(!options.isEmpty, "there is something to choose from")
    let order = options.indices.sorted {
      (options[$0].byteCount, options[$0].error, $0)
        < (options[$1].byteCount, options[$1].error, $1)
    }
    var hull: [Int] = []
    for index in order {
      guard let last = hull.last else {
        hull.append(index)
        continue
      }
      guard options[index].error < options[last].error else { continue }
      while hull.count > 1,
        rate(options, hull[hull.count - 2], hull[hull.count - 1])
          <= rate(options, hull[hull.count - 1], index)
      {
        hull.removeLast()
      }
      hull.append(index)
    }
    return hull
  }

  private static func rate(_ options: [Option], _ from: Int, _ to: Int) -> Double {
    (options[from].error - options[to].error)
      / Double(options[to].byteCount - options[from].byteCount)
  }

  /// All steps of all hulls, the best first.
  private static func steps(_ things: [[Option]], _ hulls: [[Int]]) -> [Step] {
    let all = zip(things, hulls).enumerated().flatMap { thing, pair in
      zip(pair.1, pair.1.dropFirst()).map { from, to in
        let (old, new) = (pair.0[from], pair.0[to])
        return Step(
          thing: thing, option: to, byteCount: new.byteCount - old.byteCount,
          gain: old.error - new.error)
      }
    }
    return all.enumerated().sorted {
      ($1.element.rate, $0.offset) < ($0.element.rate, $1.offset)
    }.map(\.element)
  }

  /// The change that saves most of what fits; nil where none saves anything.
  private static func best(_ things: [[Option]], _ chosen: [Int], within rest: Int) -> Step? {
    var best: Step?
    for (thing, options) in things.enumerated() {
      let old = options[chosen[thing]]
      for (index, new) in options.enumerated() where new.byteCount - old.byteCount <= rest {
        let gain = old.error - new.error
        guard gain > best?.gain ?? 0 else { continue }
        best = Step(
          thing: thing, option: index, byteCount: new.byteCount - old.byteCount, gain: gain)
      }
    }
    return best
  }
}
