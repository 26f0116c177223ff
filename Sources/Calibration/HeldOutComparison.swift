internal import Collectives
internal import DecoderModel
internal import Foundation
internal import JSONText
internal import Kernels

/// Text that was kept aside, on its way through the model as it was and as it becomes: what
/// quantization costs.
final class HeldOutComparison {
  private let decoder: Decoder
  private let stages: BlockStages
  private let communicator: Communicator
  /// This rank's sequences, with the streams through the original and the quantized blocks.
  private var sequences: [(tokens: [Int32], reference: FloatBuffer, quantized: FloatBuffer)] = []
  private let count: Int

  init(
    _ tokens: [[Int32]], _ decoder: Decoder, _ stages: BlockStages, _ communicator: Communicator
  ) throws {
    (self.decoder, self.stages, self.communicator) = (decoder, stages, communicator)
    count = tokens.count
    for index in stride(from: communicator.rank, to: count, by: communicator.size) {
      let size = tokens[index].count * decoder.config.hiddenSize
      let (reference, quantized) = (FloatBuffer(count: size), FloatBuffer(count: size))
      try stages.embed(tokens[index], into: reference.pointer)
      quantized.pointer.update(from: reference.pointer, count: size)
      sequences.append((tokens[index], reference, quantized))
    }
  }

  /// Through a block as the model has it.
  func runReference(_ layer: Int) {
    for sequence in sequences {
      stages.run(layer, sequence.reference.pointer, into: sequence.reference.pointer)
    }
  }

  /// The norm of the difference that a quantized block leaves between the two streams, by that of
  /// the original; collective. `advances`: the quantized stream goes on behind the block.
  func error(_ layer: Int, advances: Bool) throws -> Double {
    let parts = sequences.map { sequence in
      let out = advances ? sequence.quantized : FloatBuffer(count: sequence.quantized.count)
      stages.run(layer, sequence.quantized.pointer, into: out.pointer)
      return OrderedSums.squares(out.pointer, sequence.reference.pointer, count: out.count)
    }
    let total = try OrderedSums.add(parts, width: 2, of: count, communicator)
    return total[1] > 0 ? (total[0] / total[1]).squareRoot() : 0
  }

  /// Perplexities and divergence behind the last block; collective.
  func members() throws -> [JSONValue.Member] {
    let parts = sequences.map { sequence in
      let d = decoder.divergence(
        of: sequence.quantized.pointer, from: sequence.reference.pointer, tokens: sequence.tokens)
      return [d.loss, d.referenceLoss, d.divergence, Double(d.positions)]
    }
    let total = try OrderedSums.add(parts, width: 4, of: count, communicator)
    let heldOut: JSONValue = [
      "tokens": .integer(Int(total[3])), "perplexity": .real(exp(total[0] / total[3])),
      "perplexity_before": .real(exp(total[1] / total[3])),
      "divergence": .real(total[2] / total[3]),
    ]
    return [.init(key: "held_out", value: heldOut)]
  }
}
