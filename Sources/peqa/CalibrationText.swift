internal import Calibration
internal import ChatTemplates
internal import Datasets
internal import Tokenization

/// What a quantization looks at: a text, or the samples of a data set as training reads them.
struct CalibrationText {
  let path: String
  let type: DatasetType

  /// More tokens than a record of the largest size can have: nothing is cut.
  private static let longestSample = 1 << 26

  /// A collective call.
  func set(
    _ tokenizer: Tokenizer, length: Int, count: Int, _ rank: RankContext, _ signals: StopSignals
  ) throws -> CalibrationSet {
    let source = DatasetSource(path: path, type: type)
    var text: String?
    try rank.agree { text = try source.textFile() }
    if let text {
      let tokens = try TextFile.tokens(text, tokenizer)
      return try CalibrationSet(tokens: tokens, length: length, count: count)
    }
    let stream = SampleStream(try samples(of: source, tokenizer, rank, signals))
    return try CalibrationSet(tokenCount: stream.count, length: length, count: count) {
      stream.tokens(in: $0)
    }
  }

  /// Every sample whole and in the order of the files, also such as have no response.
  private func samples(
    of source: DatasetSource, _ tokenizer: Tokenizer, _ rank: RankContext, _ signals: StopSignals
  ) throws -> TokenDataset {
    let builder = DatasetBuilder(
      sources: [source], tokenizer: tokenizer,
      chat: try tokenizer.chatTemplate().map {
        TemplateChatEncoder(tokenizer: tokenizer, template: $0)
      },
      settings: DatasetSettings(
        maximumLength: Self.longestSample, trainOnInputs: true, packing: false))
    let prepared = try DataPreparation(rank, signals)(builder)
    rank.console.detail(prepared.description)
    return prepared.train
  }
}
