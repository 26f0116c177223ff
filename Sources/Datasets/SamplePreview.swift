/// Samples as text in which the tokens that count in the loss stand out, for `--dry-run`.
package struct SamplePreview: Sendable {
  /// How supervised text is marked.
  package enum Marking: Sendable {
    /// `⟦…⟧` around it.
    case brackets
    /// Green, for terminals.
    case colour

    fileprivate var open: String { self == .brackets ? "⟦" : "\u{1B}[32m" }
    fileprivate var close: String { self == .brackets ? "⟧" : "\u{1B}[0m" }
  }

  private let tokenizer: any TextEncoder
  private let marking: Marking
  /// Longer segments are shown without their middle.
  private let maximumTokens: Int

  package init(
    tokenizer: any TextEncoder, marking: Marking = .brackets, maximumTokens: Int = 1024
  ) {
    precondition(maximumTokens >= 2, "a preview shows at least two tokens")
    self.tokenizer = tokenizer
    self.marking = marking
    self.maximumTokens = maximumTokens
  }

  /// Each segment of a sequence with a head line: where it came from, its length, what counts.
  package func text(of index: Int, in dataset: TokenDataset) -> String {
    let sequence = dataset.sequence(at: index)
    return zip(sequence.segments, sequence.sampleIDs).map { segment, id in
      let targets = sequence.targets[segment]
      let head =
        "--- sequence \(index), \(dataset.origin(ofSample: id)): \(segment.count) tokens, "
        + "\(targets.count { $0 >= 0 }) in the loss"
      return head + "\n" + text(tokens: Array(sequence.tokens[segment]), targets: Array(targets))
    }.joined(separator: "\n")
  }

  /// One segment; token t+1 counts where target t is not negative.
  package func text(tokens: [Int32], targets: [Int32]) -> String {
    precondition(tokens.count == targets.count, "one target per token")
    let mask = [false] + targets.dropLast().map { $0 >= 0 }
    guard tokens.count > maximumTokens else { return rendered(tokens[...], mask[...]) }
    let half = maximumTokens / 2
    let skipped = tokens.count - 2 * half
    return rendered(tokens.prefix(half), mask.prefix(half))
      + "\n... \(skipped) tokens ...\n" + rendered(tokens.suffix(half), mask.suffix(half))
  }

  private func rendered(_ tokens: ArraySlice<Int32>, _ mask: ArraySlice<Bool>) -> String {
    var result = ""
    var start = tokens.startIndex
    while start < tokens.endIndex {
      let counts = mask[start]
      let end = mask[start...].firstIndex { $0 != counts } ?? tokens.endIndex
      let text = Self.printable(tokenizer.decode(Array(tokens[start..<end])))
      result += counts ? marking.open + text + marking.close : text
      start = end
    }
    return result
  }

  /// Control characters in data must not reach a terminal: `ESC` is shown as `\u{1B}`.
  private static func printable(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      let isControl = scalar.properties.generalCategory == .control
      if isControl && scalar != "\n" && scalar != "\t" {
        result.append(
          contentsOf: "\\u{\(String(scalar.value, radix: 16, uppercase: true))}".unicodeScalars)
      } else {
        result.append(scalar)
      }
    }
    return String(result)
  }
}
