package import Tokenization

/// Continues a prompt and gives out text as it becomes certain: whole characters, no stop strings.
package struct TextGenerator {
  private let generator: TokenGenerator
  private let tokenizer: Tokenizer
  private let stopStrings: [String]

  /// Stop tokens are the tokenizer's; `isStopped` as for `TokenGenerator`.
  package init(
    _ model: any NextTokenModel, tokenizer: Tokenizer, stopStrings: [String] = [],
    isStopped: @escaping () -> Bool = { false }
  ) {
    generator = TokenGenerator(model, stopIDs: tokenizer.stopIDs, isStopped: isStopped)
    self.tokenizer = tokenizer
    self.stopStrings = stopStrings
  }

  /// - Parameters:
  ///   - maximum: tokens at most.
  ///   - onText: gets the text chunk by chunk; the chunks end to end are the result's text.
  package func generate(
    _ prompt: [Int32], maximum: Int, sampling: SamplingSettings,
    onText: (String) -> Void = { _ in }
  ) throws -> (text: String, report: GenerationReport) {
    var decoder = StreamingDecoder(tokenizer, skipSpecial: true, atStart: false)
    var filter = StopStrings(stopStrings)
    var text = ""
    func give(_ chunk: String) {
      guard !chunk.isEmpty else { return }
      text += chunk
      onText(chunk)
    }
    let report = try generator.generate(prompt, maximum: maximum, sampling: sampling) { token in
      give(filter.append(decoder.append(token)))
      return !filter.isMatched
    }
    give(filter.append(decoder.finish()))
    give(filter.finish())
    return (text, report)
  }
}
