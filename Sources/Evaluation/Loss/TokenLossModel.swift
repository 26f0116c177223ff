package import DecoderModel

/// What an evaluation needs of a model.
package protocol TokenLossModel: AnyObject {
  /// Losses in nats of the positions with a target >= 0, in order; see `Decoder.tokenLosses`.
  func losses(
    of tokens: [Int32], targets: [Int32], segmentOffsets: [Int]
  ) throws -> [Double]
}

extension Decoder: TokenLossModel {
  package func losses(
    of tokens: [Int32], targets: [Int32], segmentOffsets: [Int]
  ) throws -> [Double] {
    try tokenLosses(tokens, targets: targets, segmentOffsets: segmentOffsets)
  }
}
