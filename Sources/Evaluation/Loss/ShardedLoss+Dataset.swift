package import Datasets

extension ShardedLoss {
  /// The held-out loss of a data set as training sees it: packed sequences, supervised tokens only.
  ///
  /// `sequences` nil takes all of them, else the first so many.
  package init(
    _ dataset: TokenDataset, sequences: Int? = nil, model: some TokenLossModel
  ) {
    self.init(itemCount: min(dataset.count, sequences ?? .max)) { index in
      let sequence = dataset.sequence(at: index)
      return try model.losses(
        of: sequence.tokens, targets: sequence.targets, segmentOffsets: sequence.segmentOffsets)
    }
  }
}
