/// One sequence as the model takes it: one or more samples (segments) laid end to end.
///
/// Segments are exact: attention and positions of a token stay inside its segment, so a packed
/// segment computes what the sample alone computes.
package struct PackedSequence: Sendable, Equatable {
  /// Token ids [T].
  package var tokens: [Int32]
  /// Targets [T]: at position t the id of token t+1 where that token is supervised and belongs to
  /// the same segment, else -1.
  package var targets: [Int32]
  /// First position of each segment, ascending; the first is 0.
  package var segmentOffsets: [Int]
  /// Sample of each segment: its index in the token cache.
  package var sampleIDs: [Int]
  /// Its number in its data set; nil for one that stands alone.
  package var index: Int?

  package init(
    tokens: [Int32], targets: [Int32], segmentOffsets: [Int], sampleIDs: [Int], index: Int? = nil
  ) {
    self.index = index
    self.tokens = tokens
    self.targets = targets
    self.segmentOffsets = segmentOffsets
    self.sampleIDs = sampleIDs
  }

  /// Positions of each segment.
  package var segments: [Range<Int>] {
    zip(segmentOffsets, segmentOffsets.dropFirst() + [tokens.count]).map { $0..<$1 }
  }

  /// Number of predictions that count in the loss.
  package var supervisedCount: Int { targets.count { $0 >= 0 } }
}
