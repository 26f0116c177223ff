/// Finds scale and zero point of one group of weights by least squared error.
///
/// For b <= 4 every zero point is tried. For each, scales run down geometrically from the largest
/// that clips nothing; the most promising (scale, zero) pairs are then searched finely and improved
/// by alternating between codes and the best scale for those codes. Every candidate is rounded to
/// fp16 first, as it will be stored, so the error compared is the error that remains. The result
/// depends on the weights alone.
struct GroupSearch: GridChoice {
  private struct Candidate {
    var zero: Int
    var scale: Float16
    var error: Float
  }

  let bits: Int
  let symmetric: Bool
  private var maximumCode: Int { (1 << bits) - 1 }

  /// Ratio of neighbouring scales in the first pass, and of those in the second. Eight bits clip
  /// little and have narrower valleys.
  private var coarseRatio: Float { bits == 8 ? 0.97 : 0.9 }
  private var fineRatio: Float { bits == 8 ? 0.9965 : 0.9875 }
  /// Steps to each side in the second pass; they reach half a coarse step and a little more.
  private static let fineSteps = 6
  /// So many zero points survive the first pass, if their error is within `tolerance` of the best.
  private static let survivors = 4
  private static let tolerance: Float = 1.25

  init(bits: Int, symmetric: Bool) {
    self.bits = bits
    self.symmetric = symmetric
  }

  func best(_ weights: UnsafeBufferPointer<GroupGrid.Vector>) -> GroupScale? {
    best(weights, importance: nil)
  }

  /// `weights` and `importance` as in `GroupGrid`, all finite; nil where no scale fits in fp16.
  func best(
    _ weights: UnsafeBufferPointer<GroupGrid.Vector>,
    importance: UnsafeBufferPointer<GroupGrid.Vector>?
  ) -> GroupScale? {
    let range = GroupRange(weights)
    let middle = 1 << (bits - 1)
    guard range.low < 0 || range.high > 0 else { return GroupScale(scale: 1, zero: middle) }
    let largest = Float(Float16.greatestFiniteMagnitude) * Float(middle - 1)
    guard max(-range.low, range.high) <= largest else { return nil }
    let grid = GroupGrid(weights: weights, importance: importance, maximumCode: maximumCode)
    var candidates = coarse(grid, range)
    candidates.sort { ($0.error, $0.zero) < ($1.error, $1.zero) }
    guard let first = candidates.first else { return nil }
    var best = first
    if !symmetric { best = better(first, refine(grid, plain(grid, range))) }
    for start in candidates.prefix(Self.survivors) where start.error <= first.error * Self.tolerance
    {
      best = better(best, refine(grid, start))
    }
    return GroupScale(scale: best.scale, zero: best.zero)
  }

  /// The best scale on the coarse grid for each zero point; hopeless ones are missing.
  private func coarse(_ grid: GroupGrid, _ range: GroupRange) -> [Candidate] {
    var candidates: [Candidate] = []
    candidates.reserveCapacity(16)
    var leader = Float.infinity
    for zero in zeros(range) {
      let start = range.unclippedScale(zero: zero, maximumCode: maximumCode)
      guard start > 0 else { continue }
      var best = Candidate(zero: zero, scale: .infinity, error: .infinity)
      var scale = start
      let floor = min(range.smallestScale(bits: bits), start * coarseRatio)
      while scale >= floor {
        consider(scale, grid, &best, limit: leader * Self.tolerance)
        scale *= coarseRatio
      }
      leader = min(leader, best.error)
      if best.scale.isFinite { candidates.append(best) }
    }
    return candidates
  }

  /// The grid from the least to the greatest weight, so that no result is worse than it.
  private func plain(_ grid: GroupGrid, _ range: GroupRange) -> Candidate {
    let zero = range.centredZero(maximumCode: maximumCode)
    var candidate = Candidate(zero: zero, scale: .infinity, error: .infinity)
    let scale = (range.high - range.low) / Float(maximumCode)
    consider(scale, grid, &candidate, limit: .infinity)
    return candidate
  }

  /// A finer look around `start`, then alternating codes and scale until nothing improves.
  private func refine(_ grid: GroupGrid, _ start: Candidate) -> Candidate {
    var best = start
    var (up, down) = (Float(start.scale), Float(start.scale))
    for _ in 0..<Self.fineSteps {
      up /= fineRatio
      down *= fineRatio
      consider(up, grid, &best, limit: .infinity)
      consider(down, grid, &best, limit: .infinity)
    }
    for _ in 0..<8 {
      guard let scale = grid.refittedScale(scale: Float(best.scale), zero: best.zero) else { break }
      let before = best.error
      consider(scale, grid, &best, limit: .infinity)
      if !(best.error < before) { break }
    }
    return best
  }

  private func better(_ first: Candidate, _ second: Candidate) -> Candidate {
    second.error < first.error ? second : first
  }

  @inline(__always)
  private func consider(_ scale: Float, _ grid: GroupGrid, _ best: inout Candidate, limit: Float) {
    let stored = max(Float16(scale), .leastNonzeroMagnitude)
    guard stored.isFinite, stored != best.scale else { return }
    let error = grid.error(scale: Float(stored), zero: best.zero, limit: min(best.error, limit))
    if error < best.error {
      best.scale = stored
      best.error = error
    }
  }

  /// Zero points to try, from the middle outwards, so that a good error is known early.
  private func zeros(_ range: GroupRange) -> [Int] {
    let middle = 1 << (bits - 1)
    if symmetric { return [middle] }
    if bits <= 4 {
      return (1...maximumCode).sorted { (abs($0 - middle), $0) < (abs($1 - middle), $1) }
    }
    let centre = range.centredZero(maximumCode: maximumCode)
    return [0, 1, -1, 2, -2, 4, -4, 8, -8].map { centre + $0 }
      .filter { (1...maximumCode).contains($0) }
  }
}

/// The extent of a group of weights and what it says about useful scales.
struct GroupRange {
  /// Least and greatest weight, zero included.
  private(set) var low: Float = 0
  private(set) var high: Float = 0
  private var rootMeanSquare: Float = 0

  init(_ weights: UnsafeBufferPointer<GroupGrid.Vector>) {
    var (least, greatest) = (GroupGrid.Vector.zero, GroupGrid.Vector.zero)
    var sum = GroupGrid.Vector.zero
    for w in weights {
      least.replace(with: w, where: w .< least)
      greatest.replace(with: w, where: w .> greatest)
      sum += w * w
    }
    low = least.min()
    high = greatest.max()
    rootMeanSquare = (sum.sum() / Float(max(weights.count, 1) * 16)).squareRoot()
  }

  /// The smallest scale that clips no weight, where this zero point can represent both signs.
  func unclippedScale(zero: Int, maximumCode: Int) -> Float {
    let below = -low / Float(zero)
    let above = maximumCode > zero ? high / Float(maximumCode - zero) : 0
    return max(below, above)
  }

  /// The zero point of the grid from `low` to `high`.
  func centredZero(maximumCode: Int) -> Int {
    let share = -low / (high - low)
    return min(max(Int((share * Float(maximumCode)).rounded()), 1), maximumCode)
  }

  /// Scales below this are not worth a try: 0.4 of the step of least squared error for a Gaussian
  /// of the same power (Max 1960, "Quantizing for minimum distortion": 0.996, 0.586, 0.335, 0.031
  /// at 2, 3, 4 and 8 bits). Heavier tails than a Gaussian's ask for larger steps, and padding
  /// zeros only lower the bound.
  func smallestScale(bits: Int) -> Float {
    let step: Float =
      switch bits {
      case 2: 0.996
      case 3: 0.586
      case 4: 0.335
      default: 0.031
      }
    return 0.4 * step * rootMeanSquare
  }
}
