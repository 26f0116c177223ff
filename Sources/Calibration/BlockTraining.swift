internal import Collectives
internal import DecoderModel
internal import Kernels
internal import Quantization

/// Trains rounding, scales and zero points of a block so that its outputs come near those that the
/// original block has for the original model's stream: what the blocks before it have lost is made
/// up for as well.
///
/// Each rank computes its sequences of a batch; gradients are exact sums, so the codes do not
/// depend on the number of ranks. Source: Block-AP of EfficientQAT, arXiv 2407.11062.
final class BlockTraining {
  private let layer: Int
  private let weights: BlockwiseWeights
  private let fitting: BlockFitting
  private let options: CalibrationOptions
  private let communicator: Communicator
  private let compute: Compute
  private var pool: WorkerPool { compute.pool }
  private let roles: [LinearRole]
  private var matrices: [LinearRole: TrainedRounding] = [:]
  private let scratch: FloatBuffer

  /// Gradients are of this many times the relative squared error, so that what matters of them is
  /// far above the step of exact sums; AdamW does not mind.
  private static let gain = 1024.0

  init(
    _ layer: Int, _ start: [LinearRole: CodedRows], _ weights: BlockwiseWeights,
    _ fitting: BlockFitting, _ options: CalibrationOptions, _ communicator: Communicator,
    _ compute: Compute
  ) {
    (self.layer, self.weights, self.fitting) = (layer, weights, fitting)
    (self.options, self.communicator, self.compute) = (options, communicator, compute)
    roles = Array(start.keys).sorted { $0.name(layer: 0) < $1.name(layer: 0) }
    for (role, rows) in start {
      matrices[role] = TrainedRounding(
        rows, weights: UnsafeBufferPointer(weights.values(role)))
      weights.put(weights.dense(role), role, layer)
    }
    scratch = FloatBuffer(count: roles.map { weights.values($0).count }.max() ?? 0)
  }

  /// Trains on this rank's sequences; `norm` is the sum of squares of all targets of all ranks.
  /// Collective. Returns the codes.
  func run(
    _ sequences: CalibrationStreams, norm: Double, check: () throws -> Void
  ) throws -> [LinearRole: CodedRows] {
    let batches = (sequences.count + options.batch - 1) / options.batch
    let total = batches * options.epochs
    var random = SplitMix64(seed: UInt64(layer))
    for step in 0..<total {
      if step % batches == 0 { sequences.shuffle(&random) }
      try check()
      communicator.beginPhase("training of block \(layer), step \(step + 1)")
      let first = step % batches * options.batch
      let batch = first..<min(sequences.count, first + options.batch)
      let warm = min(1, Double(step + 1) / (0.1 * Double(total)))
      let rate = warm * (1 - Double(step) / Double(total))
      try update(sequences, batch, norm: norm / Double(sequences.count), rate)
    }
    return matrices.mapValues { $0.codedRows() }
  }

  private func update(
    _ sequences: CalibrationStreams, _ batch: Range<Int>, norm: Double, _ rate: Double
  ) throws {
    var sums = Sums(roles, weights, addends: batch.count)
    for role in roles {
      matrices[role]?.write(to: weights.values(role).baseAddress ?? scratch.pointer, on: pool)
    }
    let factor = Float(2 * Self.gain / (norm * Double(batch.count)))
    for place in batch {
      guard let (x, target) = sequences.pair(place) else { continue }
      let out = fitting.forward(layer, x.pointer)
      let gradient = FloatBuffer(count: x.count)
      for i in 0..<x.count { gradient.pointer[i] = (out[i] - target.pointer[i]) * factor }
      var fault: (any Error)?
      fitting.backward(layer, from: gradient.pointer) { role, dy, input, rows in
        let matrix = weights.dense(role)
        compute.crossProduct(
          dy, rows: matrix.rows, input, columns: matrix.columns, tokens: rows,
          accumulating: false, into: scratch.pointer)
        do {
          try sums.add(scratch.pointer, role)
        } catch { fault = fault ?? error }
      }
      if let fault { throw fault }
    }
    for role in roles {
      try sums.reduce(role, communicator, into: scratch.pointer)
      matrices[role]?.update(
        gradient: scratch.pointer,
        rate: (options.roundingRate * rate, options.scaleRate * rate, options.zeroRate * rate),
        on: pool)
    }
  }

  /// Exact sums of the gradients of all matrices.
  private struct Sums: ~Copyable {
    private var sum: ExactSum
    private let ranges: [LinearRole: Range<Int>]

    init(_ roles: [LinearRole], _ weights: BlockwiseWeights, addends: Int) {
      var (ranges, count): ([LinearRole: Range<Int>], Int) = ([:], 0)
      for role in roles {
        let size = weights.values(role).count
        ranges[role] = count..<count + size
        count += size
      }
      self.ranges = ranges
      sum = ExactSum(count: count, addends: addends)
    }

    mutating func add(_ gradient: UnsafePointer<Float>, _ role: LinearRole) throws {
      guard let range = ranges[role] else { return }
      try sum.add(
        UnsafeBufferPointer(start: gradient, count: range.count), at: range.lowerBound)
    }

    mutating func reduce(
      _ role: LinearRole, _ communicator: Communicator, into out: UnsafeMutablePointer<Float>
    ) throws {
      guard let range = ranges[role] else { return }
      try communicator.allReduceSum(
        UnsafeMutableBufferPointer(rebasing: sum.values[range]))
      sum.write(
        from: range.lowerBound, to: UnsafeMutableBufferPointer(start: out, count: range.count))
    }
  }
}
