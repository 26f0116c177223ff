extension DecoderConfig {
  /// Shapes that plans and synthetic bases know by name, so that neither needs a model on disk.
  ///
  /// Sources: LLaMA, arXiv 2302.13971, table 2 (widths, heads, layers), MLP widths of the published
  /// weights; Mistral 7B, arXiv 2310.06825, table 1; OPT, arXiv 2205.01068, table 1; else the
  /// published `config.json`.
  package static let presets: [(name: String, config: DecoderConfig)] =
    [
      (
        "smollm2-135m",
        DecoderConfig(
          vocabularySize: 49_152, hiddenSize: 576, intermediateSize: 1536, layerCount: 30,
          headCount: 9, keyValueHeadCount: 3, headSize: 64, rope: RopeConfig(theta: 100_000),
          maximumLength: 8192, tiedEmbeddings: true)
      ),
      ("llama-7b", llama(width: 4096, inner: 11_008, layers: 32)),
      ("llama-13b", llama(width: 5120, inner: 13_824, layers: 40)),
      ("llama-30b", llama(width: 6656, inner: 17_920, layers: 60)),
      ("llama-65b", llama(width: 8192, inner: 22_016, layers: 80)),
      ("qwen3-0.6b", qwen3(width: 1024, inner: 3072, layers: 28, heads: 16, tied: true)),
      ("qwen3-8b", qwen3(width: 4096, inner: 12_288, layers: 36, heads: 32, tied: false)),
      (
        "mistral-7b",
        DecoderConfig(
          modelType: "mistral", vocabularySize: 32_000, hiddenSize: 4096, intermediateSize: 14_336,
          layerCount: 32, headCount: 32, keyValueHeadCount: 8, headSize: 128,
          maximumLength: 32_768, slidingWindow: 4096)
      ),
      (
        "mixtral-8x7b",
        DecoderConfig(
          modelType: "mixtral", vocabularySize: 32_000, hiddenSize: 4096, intermediateSize: 14_336,
          layerCount: 32, headCount: 32, keyValueHeadCount: 8, headSize: 128,
          rope: RopeConfig(theta: 1_000_000), maximumLength: 32_768, block: Family.mixtral.block)
      ),
      (
        "phi-3-mini",
        DecoderConfig(
          modelType: "phi3", vocabularySize: 32_064, hiddenSize: 3072, intermediateSize: 8192,
          layerCount: 32, headCount: 32, keyValueHeadCount: 32, headSize: 96, maximumLength: 4096,
          slidingWindow: 2047)
      ),
      (
        "gemma-2-9b",
        DecoderConfig(
          modelType: "gemma2", vocabularySize: 256_000, hiddenSize: 3584,
          intermediateSize: 14_336, layerCount: 42, headCount: 16, keyValueHeadCount: 8,
          headSize: 256, normEpsilon: 1e-6, maximumLength: 8192, tiedEmbeddings: true,
          block: BlockSpec(Family.gemma2.block) { $0.scoreCap = 50 },
          ends: EndsSpec {
            $0.embeddingScale = Float(3584).squareRoot()
            $0.logitCap = 30
          }, slidingWindow: 4096, globalLayers: (0..<42).filter { $0 % 2 == 1 })
      ),
      (
        "gpt-j-6b",
        DecoderConfig(
          modelType: "gptj", vocabularySize: 50_400, hiddenSize: 4096, intermediateSize: 16_384,
          layerCount: 28, headCount: 16, keyValueHeadCount: 16, headSize: 256, maximumLength: 2048,
          block: BlockSpec(Family.gptj.block) { $0.rotatedSize = 64 }, ends: Family.gptj.ends)
      ),
      (
        "gpt-neo-2.7b",
        DecoderConfig(
          modelType: "gpt_neo", vocabularySize: 50_257, hiddenSize: 2560, intermediateSize: 10_240,
          layerCount: 32, headCount: 20, keyValueHeadCount: 20, headSize: 128,
          maximumLength: 2048, tiedEmbeddings: true, block: Family.gptneo.block,
          ends: EndsSpec { $0.learnedPositions = 2048 }, slidingWindow: 256,
          globalLayers: (0..<32).filter { $0 % 2 == 0 })
      ),
      ("opt-125m", opt(width: 768, layers: 12, heads: 12)),
      (
        "opt-350m",
        opt(width: 1024, layers: 24, heads: 16) {
          $0.block.placement = .after
          $0.ends.finalNorm = false
          $0.ends.embeddingWidth = 512
        }
      ),
      ("opt-1.3b", opt(width: 2048, layers: 24, heads: 32)),
      ("opt-2.7b", opt(width: 2560, layers: 32, heads: 32)),
      ("opt-6.7b", opt(width: 4096, layers: 32, heads: 32)),
      ("opt-13b", opt(width: 5120, layers: 40, heads: 40)),
      ("opt-30b", opt(width: 7168, layers: 48, heads: 56)),
      ("opt-66b", opt(width: 9216, layers: 64, heads: 72)),
    ]

  package static func preset(named name: String) -> DecoderConfig? {
    presets.first { $0.name == name }?.config
  }

  private static func qwen3(
    width: Int, inner: Int, layers: Int, heads: Int, tied: Bool
  ) -> DecoderConfig {
    DecoderConfig(
      modelType: "qwen3", vocabularySize: 151_936, hiddenSize: width, intermediateSize: inner,
      layerCount: layers, headCount: heads, keyValueHeadCount: 8, headSize: 128, normEpsilon: 1e-6,
      rope: RopeConfig(theta: 1_000_000), maximumLength: 40_960, tiedEmbeddings: tied,
      block: Family.qwen3.block)
  }

  private static func llama(width: Int, inner: Int, layers: Int) -> DecoderConfig {
    DecoderConfig(
      vocabularySize: 32_000, hiddenSize: width, intermediateSize: inner, layerCount: layers,
      headCount: width / 128, keyValueHeadCount: width / 128, headSize: 128, normEpsilon: 1e-6)
  }

  private static func opt(
    width: Int, layers: Int, heads: Int, _ change: (inout DecoderConfig) -> Void = { _ in }
  ) -> DecoderConfig {
    var config = DecoderConfig(
      modelType: "opt", vocabularySize: 50_272, hiddenSize: width, intermediateSize: 4 * width,
      layerCount: layers, headCount: heads, keyValueHeadCount: heads, headSize: width / heads,
      maximumLength: 2048, tiedEmbeddings: true, block: Family.opt.block,
      ends: EndsSpec { $0.learnedPositions = 2048 })
    change(&config)
    return config
  }
}
