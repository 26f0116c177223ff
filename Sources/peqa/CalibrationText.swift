internal import Calibration
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
    // Every sample whole and in the order of the files, also such as have no response.
    let settings = DatasetSettings(
      maximumLength: Self.longestSample, trainOnInputs: true, packing: false)
    let stream = SampleStream(
      try DataPreparation(rank, signals).samples(of: source, tokenizer, settings))
    return try CalibrationSet(tokenCount: stream.count, length: length, count: count) {
      stream.tokens(in: $0)
    }
  }
}
