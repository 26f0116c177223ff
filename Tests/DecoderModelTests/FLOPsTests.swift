import DecoderModel
import Testing

@Suite struct FLOPsTests {
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
    let step = config.stepFLOPs(tokens: 8, sequences: 3, ScaleTraining())
    let head = 2.0 * 50 * 32 * 7
    #expect(step.forward == 3 * (2 * block.forward + head))
    // q, k and v of the first block: 32 + 16 + 16 rows of 32 columns.
    #expect(step.backward == 3 * (2 * block.backward + head - 2 * 64 * 32 * 8))
  }

  /// Below the lowest trained layer nothing goes back, and in it as little as its layers need.
  @Test func whatIsNotTrainedIsNotCounted() {
    let config = Self.config
    func backward(_ granularity: ScaleGranularity, _ patterns: String...) -> Double {
      let training = ScaleTraining(granularity, modules: TargetModules(patterns))
      return config.stepFLOPs(tokens: 8, sequences: 1, training).backward
    }
    let head = 2.0 * 50 * 32 * 7
    let down: Double = 2 * 32 * 80 * 8
    let attention: Double = 2 * 96 * 32 * 8
    let pairs: Double = 5 * 2 * 32 * 36
    #expect(backward(.row, "layers.1.mlp.down_proj") == head)
    #expect(backward(.group, "layers.1.mlp.down_proj") == head + down)
    #expect(backward(.row, "layers.1.mlp.up_proj") == head + down)
    #expect(backward(.row, "layers.1.self_attn.o_proj") == head + 3 * down)
    let first: Double = 2 * 64 * 32 * 8
    let block = 3 * down + attention + pairs
    #expect(backward(.row, "layers.1") == head + block - first)
    let all = backward(.row, "all")
    #expect(all == head + 2 * block - first)
    #expect(backward(.row, "q_proj") == all)
    let queries: Double = 2 * 32 * 32 * 8
    #expect(backward(.group, "q_proj") == all + 2 * queries)
  }

  static let config = DecoderConfig(
    vocabularySize: 50, hiddenSize: 32, intermediateSize: 80, layerCount: 2, headCount: 4,
    keyValueHeadCount: 2, headSize: 8)
}
