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
  /// Their numbers among those of all ranks.
  private var numbers: [Int] = []
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
      numbers.append(index)
    }
  }

  /// Through a block as the model has it.
  func runReference(_ layer: Int) {
    for sequence in sequences {
      stages.run(layer, sequence.reference.pointer, into: sequence.reference.pointer)
    }
  }

  /// Through a block that is quantized; collective. Returns the norm of the difference of the two
  /// streams by that of the original.
  func runQuantized(_ layer: Int) throws -> Double {
    let parts = sequences.map { sequence in
      stages.run(layer, sequence.quantized.pointer, into: sequence.quantized.pointer)
      var (error, norm) = (0.0, 0.0)
      for i in 0..<sequence.reference.count {
        let r = Double(sequence.reference.pointer[i])
        let difference = Double(sequence.quantized.pointer[i]) - r
        error += difference * difference
        norm += r * r
      }
      return [error, norm]
    }
    let total = try sum(parts, width: 2)
    return total[1] > 0 ? (total[0] / total[1]).squareRoot() : 0
  }

  /// Perplexities and divergence behind the last block; collective.
  func members() throws -> [JSONValue.Member] {
    let parts = sequences.map { sequence in
      let d = decoder.divergence(
        of: sequence.quantized.pointer, from: sequence.reference.pointer, tokens: sequence.tokens)
      return [d.loss, d.referenceLoss, d.divergence, Double(d.positions)]
    }
    let total = try sum(parts, width: 4)
    let heldOut: JSONValue = [
      "tokens": .integer(Int(total[3])), "perplexity": .real(exp(total[0] / total[3])),
      "perplexity_before": .real(exp(total[1] / total[3])),
      "divergence": .real(total[2] / total[3]),
    ]
    return [.init(key: "held_out", value: heldOut)]
  }

  /// Sums over all sequences in their order, so that the digits are the same on any number of
  /// ranks.
  private func sum(_ parts: [[Double]], width: Int) throws -> [Double] {
    let own = parts.flatMap { $0 }.withUnsafeBytes { Array($0) }
    var all = [[Double]](repeating: [], count: count)
    for (rank, bytes) in try communicator.allGather(own).enumerated() {
      let values = bytes.withUnsafeBytes { Array($0.bindMemory(to: Double.self)) }
      for (place, index) in stride(from: rank, to: count, by: communicator.size).enumerated() {
        all[index] = Array(values[place * width..<(place + 1) * width])
      }
    }
    return all.reduce([Double](repeating: 0, count: width)) { zip($0, $1).map(+) }
  }
}
