import Checkpoints
import DecoderModel
import Foundation
import Testing

/// Every scale's gradient against central differences of a decoder written plainly in Double.
@Suite struct CentralDifferenceTests {
  /// Each choice of `BlockSpec` and `EndsSpec` is in one of these.
  @Test(arguments: [
    "llama_4bit_row", "llama_2bit_g64", "qwen3_4bit_g32", "gptj_4bit_row", "gpt_neo_4bit_g32",
    "opt_4bit_row", "opt350_4bit_g32", "gemma2_4bit_row", "gemma3_text_4bit_g32",
    "gpt_neox_4bit_g32", "olmo2_4bit_g32", "mixtral_4bit_row", "stablelm_4bit_g32",
  ])
  func everyScale(_ name: String) throws {
    let golden = try Golden(name)
    let sequence = try golden.sequence("single")
    let tokens = Array(sequence.ids.prefix(5))
    let targets = Array(sequence.targets.prefix(5))

    let decoder = try makeDecoder(golden.directory)
    let scales = TrainableScales(
      weights: decoder.weights, granularity: .group, parametrization: .absolute)
    decoder.use(scales.task)
    var gradient = [Float](repeating: .nan, count: scales.count)
    let sum = try gradient.withUnsafeMutableBufferPointer {
      try decoder.lossAndGradient(tokens, targets: targets, scales: scales, gradient: $0)
    }

    var plain = try PlainDecoder(QuantizedBase(path: golden.directory))
    #expect(abs(plain.loss(tokens, targets) - sum.loss) < 1e-6 * sum.loss)
    for entry in scales.task.entries {
      let position = try #require(decoder.config.block.position(of: entry.role))
      let index = entry.layer * decoder.config.block.linearCount + position
      let expected = entry.range.indices.map { i in
        plain.slope(of: i - entry.range.lowerBound, in: index, tokens, targets)
      }
      let pairs = zip(gradient[entry.range], expected)
      let difference = pairs.reduce(0) { $0 + pow(Double($1.0) - $1.1, 2) }.squareRoot()
      let norm = expected.reduce(0) { $0 + $1 * $1 }.squareRoot()
      // fp32 against Double shows 4e-6 of the norm; the differences err by 1e-8 (see `slope`).
      #expect(difference <= 1e-4 * norm, "\(entry.tensorName(.scales))")
    }
  }
}
