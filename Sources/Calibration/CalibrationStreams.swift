internal import Collectives
internal import DecoderModel
internal import Kernels

/// The streams of a rank's calibration sequences on their way through the blocks.
final class CalibrationStreams {
  private struct Memory {
    let x, attended, between: FloatBuffer
    /// Through the original blocks; nil where nobody wants it.
    let reference: FloatBuffer?

    var streams: BlockStages.Streams {
      BlockStages.Streams(x: x.pointer, attended: attended.pointer, between: between.pointer)
    }
  }

  /// This rank's.
  private var sequences: [Memory] = []
  /// Of all ranks.
  let count: Int
  private let communicator: Communicator
  /// The sequences of all ranks in the order of training.
  private var order: [Int]

  /// Sequence i belongs to rank i modulo the number of ranks.
  init(
    _ tokens: [[Int32]], _ stages: BlockStages, _ config: DecoderConfig,
    keepsReference: Bool, _ communicator: Communicator
  ) throws {
    count = tokens.count
    self.communicator = communicator
    order = Array(tokens.indices)
    for index in stride(from: communicator.rank, to: tokens.count, by: communicator.size) {
      let length = tokens[index].count
      let memory = Memory(
        x: FloatBuffer(count: length * config.hiddenSize),
        attended: FloatBuffer(count: length * config.queryWidth),
        between: FloatBuffer(count: length * config.hiddenSize),
        reference: keepsReference ? FloatBuffer(count: length * config.hiddenSize) : nil)
      try stages.embed(tokens[index], into: memory.x.pointer)
      memory.reference?.pointer.update(from: memory.x.pointer, count: memory.x.count)
      sequences.append(memory)
    }
  }

  /// Once the layers of a part are what they will be: on to what the next part reads.
  func advance(past part: BlockStages.Part, _ layer: Int, _ stages: BlockStages) {
    for memory in sequences {
      let streams = memory.streams
      switch part {
      case .attention: stages.attend(layer, streams.x, into: streams.attended)
      case .attentionOutput:
        stages.joinAttention(
          layer, streams.x, attended: streams.attended, into: streams.between)
      case .mlp: break
      case .hidden:
        stages.joinMLP(layer, streams.x, between: streams.between, into: streams.x)
      }
    }
  }

  /// The original streams through a block as the model has it.
  func runReference(_ layer: Int, _ stages: BlockStages) {
    for memory in sequences {
      guard let reference = memory.reference else { continue }
      stages.run(layer, reference.pointer, into: reference.pointer)
    }
  }

  /// The streams through a whole block that is what it will be.
  func run(_ layer: Int, _ stages: BlockStages) {
    for memory in sequences { stages.run(layer, memory.x.pointer, into: memory.x.pointer) }
  }

  /// Another order, the same on all ranks.
  func shuffle(_ random: inout SplitMix64) {
    for index in stride(from: order.count - 1, to: 0, by: -1) {
      order.swapAt(index, Int(random.next() % UInt64(index + 1)))
    }
  }

  /// The sequence at a place of the order: what goes into the block, and what the original block
  /// gives for the original stream; nil where another rank has it.
  func pair(_ place: Int) -> (x: FloatBuffer, target: FloatBuffer)? {
    let index = order[place]
    guard index % communicator.size == communicator.rank else { return nil }
    let memory = sequences[index / communicator.size]
    return memory.reference.map { (memory.x, $0) }
  }

  /// Sum of squares of all targets of all ranks; collective.
  func targetNorm() throws -> Double {
    let parts = sequences.map { memory -> [Double] in
      guard let reference = memory.reference?.pointer else { return [0] }
      return [OrderedSums.squares(reference, reference, count: memory.x.count)[1]]
    }
    return try OrderedSums.add(parts, width: 1, of: count, communicator)[0]
  }

  /// Second moments of what some sets of layers read, of all ranks' sequences; collective.
  func moments(
    _ part: BlockStages.Part, _ layer: Int, _ sets: Range<Int>, columns: Int,
    _ stages: BlockStages, _ pool: WorkerPool, check: () throws -> Void
  ) throws -> [MomentSums] {
    let largest = try communicator.allReduceMax(
      communicator.rank == 0 ? largestMoment(part, layer, columns: columns, stages) : 0)
    guard largest.isFinite else { throw CalibrationError.notFinite(layer: layer) }
    var bits = MomentSums.bits(largest: largest, sequences: count)
    while true {
      let sums = sets.map { _ in
        MomentSums(columns: columns, bits: bits, threads: pool.threads)
      }
      for (index, memory) in sequences.enumerated() {
        communicator.beginPhase("inputs of block \(layer), sequence \(index + 1)")
        let inputs = stages.inputs(of: part, layer, memory.streams)
        for (sum, input) in zip(sums, inputs[sets]) {
          sum.add(input.x, rows: input.rows, of: count, on: pool)
        }
      }
      try check()
      let overflown = sums.contains { $0.hasOverflown }
      if try communicator.allReduceMax(overflown ? 1 : 0) == 0 {
        for sum in sums { try sum.allReduce(communicator) }
        return sums
      }
      // Some sequence has far larger inputs than the first one.
      bits -= 14
      guard bits > -900 else { throw CalibrationError.notFinite(layer: layer) }
    }
  }

  /// The largest sum of squares of one column over the first sequence: what all ranks take their
  /// unit from.
  private func largestMoment(
    _ part: BlockStages.Part, _ layer: Int, columns: Int, _ stages: BlockStages
  ) -> Double {
    guard let first = sequences.first else { return 0 }
    var largest = 0.0
    for input in stages.inputs(of: part, layer, first.streams) {
      var squares = [Double](repeating: 0, count: columns)
      for row in 0..<input.rows {
        for i in 0..<columns {
          let value = Double(input.x[row * columns + i])
          squares[i] += value * value
        }
      }
      // A NaN must come through.
      for square in squares where !(square <= largest) { largest = square }
    }
    return largest.isNaN ? .infinity : largest
  }
}
