internal import Collectives
internal import DecoderModel
internal import Kernels

/// What all ranks add up in one step, in one buffer and one all-reduce, exactly.
///
///     gradient [P] | loss | tokens | positions | stop | read | save | loss parts [3]
///     | seconds [ranks] | digests [ranks] | slots [global batch]
///
/// All of it is fixed point, so sums do not depend on ranks or order (`ExactSum`). Each slot in
/// the global batch is marked by the rank that computes it, with its number where the result was no
/// usable one: after the all-reduce every rank knows what was at fault, and all stop alike.
struct GradientSum: ~Copyable {
  private var sum: ExactSum
  private let parameters: Int
  private let ranks: Int
  private let batch: Int

  /// A step of 5.8e-11 and, with 128 sequences a batch, gradients of up to 2.1e6 a sequence: the
  /// absolute form has gradients 1/s0 times those of the relative form, some hundred times larger.
  private static let fractionBits = 34
  /// Numbers that are there once.
  private static let scalars = 9

  private var loss: Int { parameters }
  private var tokens: Int { parameters + 1 }
  private var positions: Int { parameters + 2 }
  private var stop: Int { parameters + 3 }
  private var read: Int { parameters + 4 }
  private var save: Int { parameters + 5 }
  private var parts: Int { parameters + 6 }
  private var seconds: Int { parameters + Self.scalars }
  private var firstDigest: Int { seconds + ranks }
  private var firstSlot: Int { firstDigest + ranks }
  /// The gradient is sent with 4 bytes per number where that is enough.
  let isNarrow: Bool

  /// Numbers that a sum has.
  static func count(parameters: Int, ranks: Int, batch: Int) -> Int {
    parameters + scalars + 2 * ranks + batch
  }

  /// - Parameters:
  ///   - parameters: P; 0 for an evaluation, which sums losses only.
  ///   - batch: sequences over all ranks, the greatest number of addends.
  init(parameters: Int, ranks: Int, batch: Int, width: SumWidth = .wide) {
    isNarrow = width == .narrow
    sum = ExactSum(
      count: Self.count(parameters: parameters, ranks: ranks, batch: batch),
      fractionBits: Self.fractionBits, addends: max(batch, ranks),
      adaptive: isNarrow ? parameters : 0)
    self.parameters = parameters
    self.ranks = ranks
    self.batch = batch
  }

  mutating func reset() { sum.reset() }

  /// Adds the loss of one sequence; `slot` is where it stands in the global batch. A NaN or a
  /// number beyond the range of fixed point is noted, and comes to light on all ranks in `faults`.
  mutating func add(_ sequence: SequenceLoss, length: Int, at slot: Int, by rank: Int) {
    sum.values[firstSlot + slot] += 1
    do throws(ExactSumError) {
      try sum.addDouble(sequence.sum, at: loss)
      try sum.addInteger(Int64(sequence.tokens), at: tokens)
      try sum.addInteger(Int64(length), at: positions)
      guard let found = sequence.parts else { return }
      try sum.addDouble(found.task, at: parts)
      try sum.addDouble(found.divergence, at: parts + 1)
      try sum.addDouble(found.hidden, at: parts + 2)
    } catch {
      note(faultAt: slot, of: rank)
    }
  }

  private func note(faultAt slot: Int, of rank: Int) {
    sum.values[firstSlot + slot] |= Int64(rank + 1) << 32
  }

  /// Adds a part of the gradient of one sequence, from parameter `first` on; notes faults alike.
  mutating func add(
    gradient: UnsafeBufferPointer<Float>, from first: Int, at slot: Int, by rank: Int
  ) {
    precondition(gradient.count <= parameters - first, "a gradient stays inside the parameters")
    do throws(ExactSumError) {
      try sum.add(gradient, at: first)
    } catch {
      note(faultAt: slot, of: rank)
    }
  }

  /// What a rank tells the others.
  mutating func report(_ report: RankReport, rank: Int) {
    sum.values[stop] = report.stop ? 1 : 0
    sum.values[read] = Int64(report.bytesRead)
    sum.values[save] = report.save ? 1 : 0
    sum.values[seconds + rank] = Int64(report.seconds * 1e6)
    sum.values[firstDigest + rank] = report.digest
  }

  func allReduce(over group: any RankGroup) throws {
    guard isNarrow, group.size > 1 else { return try group.allReduceSum(sum.values) }
    try allReduceNarrow(sum, over: group)
  }

  /// Fits the steps of a narrow sum to the totals that stand here now.
  mutating func adaptSteps() { sum.adaptSteps() }

  /// Fraction bits of the blocks of a narrow sum; empty for a wide one. Part of the state of a run.
  var blockBits: [Int8] {
    get { sum.blockBits }
    set {
      precondition(newValue.count == sum.blockCount, "bits for each block")
      sum.blockBits = newValue
    }
  }

  /// Places in the global batch whose loss or gradient was no usable number, and their ranks.
  var faults: [(slot: Int, rank: Int)] {
    (0..<batch).compactMap {
      let rank = Int(sum.values[firstSlot + $0] >> 32) - 1
      return rank >= 0 ? ($0, rank) : nil
    }
  }
  /// Places that were not computed exactly once.
  var miscountedPlaces: [Int] {
    (0..<batch).filter { sum.values[firstSlot + $0] & 0xffff_ffff != 1 }
  }
  var digests: [Int64] { (0..<ranks).map { sum.values[firstDigest + $0] } }
  var saveRequested: Bool { sum.values[save] != 0 }
  var lossSum: Double { sum.double(at: loss) }
  var lossParts: LossParts {
    LossParts(
      task: sum.double(at: parts), divergence: sum.double(at: parts + 1),
      hidden: sum.double(at: parts + 2))
  }
  var tokenCount: Int { Int(sum.values[tokens]) }
  var positionCount: Int { Int(sum.values[positions]) }
  var bytesRead: Int { Int(sum.values[read]) }
  var stopRequested: Bool { sum.values[stop] != 0 }
  var rankSeconds: [Double] { (0..<ranks).map { Double(sum.values[seconds + $0]) * 1e-6 } }

  /// Writes the gradient of the mean token loss over the global batch.
  func writeMean(to gradient: FloatBuffer) {
    sum.write(to: gradient.elements, dividedBy: Double(tokenCount))
  }
}

/// What one rank tells the others beside its sums.
struct RankReport {
  /// It was asked to stop.
  var stop = false
  /// It is time for a checkpoint.
  var save = false
  /// How long it computed.
  var seconds = 0.0
  /// What it had from disk.
  var bytesRead = 0
  /// `StateDigest` of its masters and moments; 0 where they are not compared.
  var digest: Int64 = 0
}

/// Bytes that a number of the gradient takes on the wire: 8, or mostly 4.
package enum SumWidth: String, CaseIterable, Sendable { case wide, narrow }
