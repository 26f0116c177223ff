import DecoderModel
import JSONText
import Testing

/// Shapes known by name against what is published of them.
@Suite struct PresetTests {
  /// Parameters as transformers counts them in the models of the published configurations.
  static let published = [
    ("smollm2-135m", 134_515_008), ("llama-7b", 6_738_415_616), ("llama-13b", 13_015_864_320),
    ("llama-30b", 32_528_943_616), ("llama-65b", 65_285_660_672), ("qwen3-0.6b", 596_049_920),
    ("qwen3-8b", 8_190_735_360), ("mistral-7b", 7_241_732_096), ("mixtral-8x7b", 46_702_792_704),
    ("phi-3-mini", 3_821_079_552), ("gemma-2-9b", 9_241_705_984), ("gpt-j-6b", 6_050_882_784),
    ("gpt-neo-2.7b", 2_651_307_520), ("opt-125m", 125_239_296), ("opt-350m", 331_196_416),
    ("opt-1.3b", 1_315_758_080), ("opt-2.7b", 2_651_596_800), ("opt-6.7b", 6_658_473_984),
    ("opt-13b", 12_853_473_280), ("opt-30b", 29_974_540_288), ("opt-66b", 65_719_701_504),
  ]

  @Test func parametersAreThePublishedOnes() throws {
    #expect(DecoderConfig.presets.map(\.name).sorted() == Self.published.map(\.0).sorted())
    for (name, parameters) in Self.published {
      let config = try #require(DecoderConfig.preset(named: name))
      #expect(config.parameterCount == parameters, "\(name)")
      #expect(config.inconsistencies().isEmpty, "\(name)")
    }
  }

  /// The written configuration says all that the preset does.
  @Test func configurationsSurviveARoundTrip() throws {
    for (name, config) in DecoderConfig.presets {
      let text = config.huggingFaceJSON.text(indent: 1)
      #expect(
        try DecoderConfig(huggingFace: JSONValue(parsing: text), path: "") == config, "\(name)")
    }
  }

  /// One number for each row of each linear layer of a block, as PEQA counts them (arXiv
  /// 2305.14152).
  @Test(arguments: [
    ("gpt-neo-2.7b", 737_280), ("gpt-j-6b", 1_032_192), ("llama-7b", 1_359_872),
    ("llama-13b", 2_129_920), ("llama-30b", 4_147_200), ("llama-65b", 6_799_360),
  ])
  func trainedScalesAreThoseOfThePaper(name: String, scales: Int) throws {
    let config = try #require(DecoderConfig.preset(named: name))
    #expect(config.trained(ScaleTraining(.row), groupSize: -1).masters == scales)
  }
}
