import DecoderModel
import Foundation
import Kernels
import Testing

@Suite struct WorkTests {
  /// Counted the slow way: a loop over tokens and what each sees.
  @Test(arguments: [(1, nil), (7, nil), (64, nil), (64, 10), (8, 10)] as [(Int, Int?)])
  func attentionIsCountedByPairs(tokens: Int, window: Int?) {
    var config = Self.config
    config.slidingWindow = window
    let pairs = (0..<tokens).reduce(0) { $0 + min($1 + 1, window ?? .max) }
    let linear = Double(config.blockWeightCount * tokens)
    let row = config.blockFLOPs(tokens: tokens, granularity: .row)
    #expect(row.forward - 2 * linear == Double(2 * 2 * 32 * pairs))
    #expect(row.backward - 2 * linear == Double(5 * 2 * 32 * pairs))
    let group = config.blockFLOPs(tokens: tokens, granularity: .group)
    #expect(group.total - row.total == 2 * linear)
  }

  /// LLaMA 7B: 4 x 4096^2 + 3 x 4096 x 11008 weights a block, by hand.
  @Test func publishedShape() throws {
    let config = try #require(DecoderConfig.preset(named: "llama-7b"))
    #expect(config.blockWeightCount == 202_375_168)
    // The arithmetic limit in the method notes: 860 GFLOP/s do 1046 tokens/s of this block.
    let work = config.blockFLOPs(tokens: 512, granularity: .row)
    #expect(abs(860e9 / (work.total / 512) / 1046 - 1) < 0.02)
  }

  @Test func stepIsBlocksAndHead() {
    let config = Self.config
    let block = config.blockFLOPs(tokens: 8, granularity: .row)
    let step = config.stepFLOPs(tokens: 8, sequences: 3, granularity: .row)
    let head = 2.0 * 50 * 32 * 7
    #expect(step.forward == 3 * (2 * block.forward + head))
    // q, k and v of the first block: 32 + 16 + 16 rows of 32 columns.
    #expect(step.backward == 3 * (2 * block.backward + head - 2 * 64 * 32 * 8))
  }

  static let config = DecoderConfig(
    vocabularySize: 50, hiddenSize: 32, intermediateSize: 80, layerCount: 2, headCount: 4,
    keyValueHeadCount: 2, headSize: 8)
}

@Suite struct BlockAloneTests {
  /// The oracle: central differences of the block's own output. `sum(output)` in direction d of the
  /// masters, and of the input.
  @Test(
    arguments: [ScaleGranularity.row, .group], BlockAlone.Recomputing.allCases)
  func gradientsAreThoseOfTheSumOfOutputs(
    granularity: ScaleGranularity, recomputing: BlockAlone.Recomputing
  ) throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/llama_2bit_g64").path
    let model = try LoadedModel.open(folder)
    var config = model.config
    config.layerCount = 1
    let weights = DecoderWeights(
      embedding: model.weights.embedding, head: model.weights.head,
      finalNorm: model.weights.finalNorm, layers: [model.weights.layers[0]], owner: model.weights)
    let compute = Compute(pool: WorkerPool(threads: 2), precision: .fp32)
    let block = try BlockAlone(
      Decoder(config: config, weights: weights, compute: compute), granularity: granularity,
      tokens: 9, recomputing: recomputing)
    block.forward()
    block.backward()
    let gradient = Array(block.gradient.elements)
    let inputGradient = Array(block.inputGradient)

    func sum(_ masters: [Float]) -> Double {
      _ = masters.withUnsafeBufferPointer { block.scales.setMasters($0) }
      block.reset()
      block.forward()
      return block.output.reduce(0) { $0 + Double($1) }
    }
    // Large enough that fp16 rounding of single scales (2^-11) averages out over all of them.
    let (step, count) = (Float(0.02), block.scales.count)
    let direction = (0..<count).map { Float($0 * 7 % 5) - 2 }
    let slope =
      (sum(direction.map { $0 * step }) - sum(direction.map { -$0 * step })) / Double(2 * step)
    let expected = zip(gradient, direction).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    // Rounding of scales: 2^-12 of a scale each, uncorrelated, and third-order terms of a step of 4
    // %.
    let size = zip(gradient, direction).reduce(0.0) { $0 + abs(Double($1.0) * Double($1.1)) }
    #expect(abs(slope - expected) < 0.02 * size, "\(slope) and \(expected), of \(size)")
    #expect(size > 0)
    #expect(inputGradient.allSatisfy { $0.isFinite })
    #expect(inputGradient.contains { abs($0 - 1) > 0.01 }, "the branches have gradients, too")
  }
}
