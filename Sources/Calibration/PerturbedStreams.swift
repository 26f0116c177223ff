internal import Collectives
internal import DecoderModel
internal import Kernels

/// A few short sequences on their way through the original model, and beside each of them the
/// streams of models that differ from it in one unit of layers: what that changes in the end.
///
/// All ranks have the sequences; the other streams are shared out. Memory: tokens x hidden size
/// numbers for each unit, of all ranks together.
final class PerturbedStreams {
  /// Enough to tell layers apart: an error of 20 % in a divergence moves the best number of bits by
  /// 0.13.
  private static let (sequences, length) = (4, 128)

  private let decoder: Decoder
  private let stages: BlockStages
  private let communicator: Communicator
  private let tokens: [[Int32]]
  private let originals: [FloatBuffer]
  /// Of this rank, in the order of units and their sequences.
  private var streams: [FloatBuffer] = []
  private var units = 0

  /// Of `tokens`, some evenly spread sequences.
  init(_ tokens: [[Int32]], _ decoder: Decoder, _ communicator: Communicator) throws {
    (self.decoder, self.communicator) = (decoder, communicator)
    let count = min(Self.sequences, tokens.count)
    let length = min(Self.length, tokens.first?.count ?? 0)
    let stages = BlockStages(decoder, tokens: length)
    self.tokens = (0..<count).map { Array(tokens[$0 * tokens.count / count].prefix(length)) }
    self.stages = stages
    originals = try self.tokens.map {
      let stream = FloatBuffer(count: length * decoder.config.hiddenSize)
      try stages.embed($0, into: stream.pointer)
      return stream
    }
  }

  /// Streams that have left the original ones go through a block that is the original.
  func advance(_ layer: Int) {
    for stream in streams { stages.run(layer, stream.pointer, into: stream.pointer) }
  }

  /// The block is changed in one unit of layers: streams leave the original ones here.
  func leave(_ layer: Int) {
    for (place, original) in originals.enumerated() {
      let index = units * originals.count + place
      guard index % communicator.size == communicator.rank else { continue }
      let stream = FloatBuffer(count: original.count)
      stages.run(layer, original.pointer, into: stream.pointer)
      streams.append(stream)
    }
    units += 1
  }

  /// The original streams go through the block, behind `leave` for all of its units.
  func advanceOriginals(_ layer: Int) {
    for stream in originals { stages.run(layer, stream.pointer, into: stream.pointer) }
  }

  /// Behind the last block: KL(original || changed) of each unit in nats a token; collective.
  func divergences() throws -> [Double] {
    let places = stride(
      from: communicator.rank, to: units * originals.count, by: communicator.size)
    let parts = zip(places, streams).map { index, stream in
      let place = index % originals.count
      let sum = decoder.divergence(
        of: stream.pointer, from: originals[place].pointer, tokens: tokens[place])
      return [sum.divergence, Double(sum.positions)]
    }
    let all = try OrderedSums.gather(
      parts, width: 2, of: units * originals.count, communicator)
    return (0..<units).map { unit in
      let own = all[unit * originals.count..<(unit + 1) * originals.count]
      let (sum, positions) = own.reduce((0.0, 0.0)) { ($0.0 + $1[0], $0.1 + $1[1]) }
      // Rounding of products may leave a little less than nothing.
      return positions > 0 ? max(sum / positions, 0) : 0
    }
  }
}
