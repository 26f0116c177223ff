internal import Collectives
internal import DecoderModel
internal import Kernels

/// The streams of a rank's calibration sequences on their way through the blocks.
final class CalibrationStreams {
  private struct Memory {
    let x, attended, between: FloatBuffer

    var streams: BlockStages.Streams {
      BlockStages.Streams(x: x.pointer, attended: attended.pointer, between: between.pointer)
    }
  }

  /// This rank's.
  private var sequences: [Memory] = []
  /// Of all ranks.
  private let count: Int
  private let ownsFirst: Bool

  /// Sequence i belongs to rank i modulo the number of ranks.
  init(
    _ tokens: [[Int32]], _ stages: BlockStages, _ config: DecoderConfig,
    _ communicator: Communicator
  ) throws {
    count = tokens.count
    ownsFirst = communicator.rank == 0
    for index in stride(from: communicator.rank, to: tokens.count, by: communicator.size) {
      let length = tokens[index].count
      let memory = Memory(
        x: FloatBuffer(count: length * config.hiddenSize),
        attended: FloatBuffer(count: length * config.queryWidth),
        between: FloatBuffer(count: length * config.hiddenSize))
      try stages.embed(tokens[index], into: memory.x.pointer)
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

  /// Second moments of what some sets of layers read, of all ranks' sequences; collective.
  func moments(
    _ part: BlockStages.Part, _ layer: Int, _ sets: Range<Int>, columns: Int,
    _ stages: BlockStages, _ pool: WorkerPool, _ communicator: Communicator,
    check: () throws -> Void
  ) throws -> [MomentSums] {
    let largest = try communicator.allReduceMax(
      ownsFirst ? largestMoment(part, layer, columns: columns, stages) : 0)
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
