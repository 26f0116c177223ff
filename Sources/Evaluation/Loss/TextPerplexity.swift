/// How a long text is cut for its perplexity.
///
/// Windows of at most `maximumLength` positions start every `stride` tokens. A window scores the
/// tokens that no window before it has scored, each predicted from what the window holds before it:
/// its first token has no prediction, except behind BOS. With `stride` nil windows are disjoint and
/// each stands alone: a window of L tokens gives L - 1 predictions, L behind BOS. With a smaller
/// stride this is the sliding window of Hugging Face's guide "Perplexity of fixed-length models",
/// except that the mean is over all predictions (the guide's code counts one too few a window).
package struct PerplexityProtocol: Sendable, Equatable {
  /// Positions a window, BOS included.
  package var maximumLength: Int
  /// Tokens of text from window to window; nil for disjoint windows.
  package var stride: Int?
  /// Only so many windows from the beginning; nil for the whole text, its last short window too.
  package var windowLimit: Int?
  /// Put before each window; costs one position.
  package var bos: Int32?

  /// - Throws: `.badSetting`.
  package init(
    maximumLength: Int, stride: Int? = nil, windowLimit: Int? = nil, bos: Int32? = nil
  ) throws(EvaluationError) {
    (self.maximumLength, self.stride) = (maximumLength, stride)
    (self.windowLimit, self.bos) = (windowLimit, bos)
    guard maximumLength >= 2 else {
      throw .badSetting(
        flag: "--max-length", reason: "\(maximumLength) is too short; use at least 2")
    }
    if let stride, !(1...textLength).contains(stride) {
      throw .badSetting(
        flag: "--stride",
        reason: "\(stride) is outside 1...\(textLength); larger ones would leave tokens out "
          + "(--windows scores a part of a text)")
    }
    if let windowLimit, windowLimit < 1 {
      throw .badSetting(flag: "--windows", reason: "\(windowLimit) is none; use at least 1")
    }
  }

  /// Tokens of text a window holds.
  package var textLength: Int { maximumLength - (bos == nil ? 0 : 1) }

  /// A window: which tokens it holds, and the first of them that it scores.
  package struct Window: Sendable, Equatable {
    package var range: Range<Int>
    package var firstScored: Int
  }

  /// The windows of a text of `count` tokens that score something.
  package func windows(ofTokens count: Int) -> [Window] {
    var windows: [Window] = []
    var (start, scored) = (0, 0)
    while scored < count, windows.count < windowLimit ?? .max {
      let range = start..<min(start + textLength, count)
      // Without BOS nothing predicts a window's first token.
      let first = max(scored, bos == nil ? start + 1 : start)
      if first < range.upperBound { windows.append(Window(range: range, firstScored: first)) }
      scored = range.upperBound
      start += stride ?? textLength
    }
    return windows
  }

  /// What the model gets for a window: tokens, and targets as `Decoder.tokenLosses` takes them.
  package func input(
    _ window: Window, of tokens: [Int32]
  ) -> (tokens: [Int32], targets: [Int32]) {
    let text = tokens[window.range]
    let input = (bos.map { [$0] } ?? []) + text
    var targets = [Int32](repeating: -1, count: input.count)
    let shift = input.count - text.count - window.range.lowerBound - 1
    for index in window.firstScored..<window.range.upperBound {
      targets[index + shift] = tokens[index]
    }
    return (input, targets)
  }
}

/// The perplexity of a model on a tokenized text.
package struct TextPerplexity {
  private let tokens: [Int32]
  private let windows: [PerplexityProtocol.Window]
  private let cut: PerplexityProtocol

  /// Bytes of text that are tokenized in one chunk.
  package static let longestText = (1 << 30) - 1

  /// - Throws: `.textTooShort` where there is nothing to predict.
  package init(tokens: [Int32], cut: PerplexityProtocol) throws(EvaluationError) {
    self.tokens = tokens
    self.cut = cut
    windows = cut.windows(ofTokens: tokens.count)
    guard !windows.isEmpty else {
      throw .textTooShort(tokens: tokens.count, needed: cut.bos == nil ? 2 : 1)
    }
  }

  package var windowCount: Int { windows.count }

  /// The sweep over the windows.
  package func sweep(_ model: some TokenLossModel) -> ShardedLoss {
    ShardedLoss(itemCount: windows.count) { index in
      let input = cut.input(windows[index], of: tokens)
      return try model.losses(of: input.tokens, targets: input.targets, segmentOffsets: [0])
    }
  }
}
