internal import Collectives

/// What all ranks add up in one step, in one buffer and one all-reduce, exactly.
///
///     gradient [P] | loss | tokens | positions | stop | read | seconds [ranks] | faults [batch]
///
/// All of it is fixed point, so sums do not depend on ranks or order (`ExactSum`). Faults are
/// counted by place in the global batch: after the all-reduce every rank knows which sequence of
/// which rank was at fault, and all stop alike.
struct GradientSum: ~Copyable {
  private var sum: ExactSum
  private let parameters: Int
  private let ranks: Int
  private let batch: Int

  /// A step of 5.8e-11 and, with 128 sequences a batch, gradients of up to 2.1e6 a sequence: the
  /// absolute form has gradients 1/s0 times those of the relative form, some hundred times larger.
  private static let fractionBits = 34

  private var loss: Int { parameters }
  private var tokens: Int { parameters + 1 }
  private var positions: Int { parameters + 2 }
  private var stop: Int { parameters + 3 }
  private var read: Int { parameters + 4 }
  private var seconds: Int { parameters + 5 }
  private var faults: Int { seconds + ranks }

  /// - Parameters:
  ///   - parameters: P; 0 for an evaluation, which sums losses only.
  ///   - batch: sequences over all ranks, the greatest number of addends.
  init(parameters: Int, ranks: Int, batch: Int) {
    sum = ExactSum(
      count: parameters + 5 + ranks + batch, fractionBits: Self.fractionBits,
      addends: max(batch, ranks))
    self.parameters = parameters
    self.ranks = ranks
    self.batch = batch
  }

  mutating func reset() { sum.reset() }

  /// Adds the loss of one sequence; `place` is its place in the global batch. A NaN or a number
  /// beyond the range of fixed point is noted, and comes to light on all ranks in `faultyPlaces`.
  mutating func add(_ sequence: SequenceLoss, length: Int, at place: Int) {
    do throws(ExactSumError) {
      try sum.addDouble(sequence.sum, at: loss)
      try sum.addInteger(Int64(sequence.tokens), at: tokens)
      try sum.addInteger(Int64(length), at: positions)
    } catch {
      sum.values[faults + place] = 1
    }
  }

  /// Adds a part of the gradient of one sequence, from parameter `first` on; notes faults alike.
  mutating func add(gradient: UnsafeBufferPointer<Float>, from first: Int, at place: Int) {
    precondition(gradient.count <= parameters - first, "a gradient stays inside the parameters")
    do throws(ExactSumError) {
      try sum.add(gradient, at: first)
    } catch {
      sum.values[faults + place] = 1
    }
  }

  /// What a rank tells the others: whether it was asked to stop, how long it computed and how many
  /// bytes it had from disk.
  mutating func report(stop wanted: Bool, seconds time: Double, bytesRead: Int = 0, rank: Int) {
    sum.values[stop] = wanted ? 1 : 0
    sum.values[read] = Int64(bytesRead)
    sum.values[seconds + rank] = Int64(time * 1e6)
  }

  func allReduce(over group: any RankGroup) throws { try group.allReduceSum(sum.values) }

  /// Places in the global batch whose loss or gradient was no usable number.
  var faultyPlaces: [Int] { (0..<batch).filter { sum.values[faults + $0] != 0 } }
  var lossSum: Double { sum.double(at: loss) }
  var tokenCount: Int { Int(sum.values[tokens]) }
  var positionCount: Int { Int(sum.values[positions]) }
  var bytesRead: Int { Int(sum.values[read]) }
  var stopRequested: Bool { sum.values[stop] != 0 }
  var rankSeconds: [Double] { (0..<ranks).map { Double(sum.values[seconds + $0]) * 1e-6 } }

  /// Writes the gradient of the mean token loss over the global batch.
  func writeMean(to gradient: borrowing FloatVector) {
    sum.write(to: gradient.values, dividedBy: Double(tokenCount))
  }
}
