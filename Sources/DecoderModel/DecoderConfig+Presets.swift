extension DecoderConfig {
  /// Shapes that plans and synthetic bases know by name, so that neither needs a model on disk.
  ///
  /// Sources: LLaMA, arXiv 2302.13971, table 2 (widths, heads, layers), MLP widths of the published
  /// weights; Mistral 7B, arXiv 2310.06825, table 1; `config.json` of SmolLM2-135M-Instruct.
  package static let presets: [(name: String, config: DecoderConfig)] = [
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
    (
      "qwen3-0.6b",
      qwen3(width: 1024, inner: 3072, layers: 28, heads: 16, tied: true)
    ),
    ("qwen3-8b", qwen3(width: 4096, inner: 12_288, layers: 36, heads: 32, tied: false)),
    (
      "mistral-7b",
      DecoderConfig(
        modelType: "mistral", vocabularySize: 32_000, hiddenSize: 4096, intermediateSize: 14_336,
        layerCount: 32, headCount: 32, keyValueHeadCount: 8, headSize: 128, maximumLength: 32_768,
        slidingWindow: 4096)
    ),
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
      queryKeyNorm: true)
  }

  private static func llama(width: Int, inner: Int, layers: Int) -> DecoderConfig {
    DecoderConfig(
      vocabularySize: 32_000, hiddenSize: width, intermediateSize: inner, layerCount: layers,
      headCount: width / 128, keyValueHeadCount: width / 128, headSize: 128, normEpsilon: 1e-6)
  }
}
