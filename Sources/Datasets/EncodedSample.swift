/// A sample as tokens, with the positions the model is to learn.
struct EncodedSample: Equatable {
  /// Ids [T].
  var tokens: [Int32]
  /// Positions of each response with its end token, ascending and disjoint.
  var responses: [Range<Int>]

  /// The sample cut to `length` tokens; nil where no response token would be left.
  ///
  /// The cut falls into the last response of which a token fits beside its end token, and that end
  /// token is kept. Whatever follows is left out, so the last token is always an end token.
  func truncated(to length: Int) -> EncodedSample? {
    if tokens.count <= length { return self }
    guard
      let last = responses.lastIndex(where: {
        $0.upperBound <= length || $0.lowerBound + 2 <= length
      })
    else { return nil }
    let span = responses[last]
    let end = min(span.upperBound, length)
    var cut = Array(tokens[..<end])
    cut[end - 1] = tokens[span.upperBound - 1]
    return EncodedSample(
      tokens: cut, responses: Array(responses[..<last]) + [span.lowerBound..<end])
  }

  /// For each position whether the prediction of its token counts in the loss.
  func supervision(trainOnInputs: Bool) -> [Bool] {
    var mask = [Bool](repeating: trainOnInputs, count: tokens.count)
    for span in responses {
      for position in span { mask[position] = true }
    }
    // Nothing predicts the first token.
    if !mask.isEmpty { mask[0] = false }
    return mask
  }
}
