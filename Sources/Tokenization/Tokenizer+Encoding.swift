extension Tokenizer {
  /// The ids of a text.
  ///
  /// - Parameters:
  ///   - addSpecial: puts the model's BOS / EOS around, as far as the model uses them.
  ///   - parseSpecial: special tokens written out in the text become those tokens; say false for
  ///     text from outside, where `<|im_end|>` is just characters.
  ///   - continuing: the text goes on from one encoded before, so no dummy space goes in front.
  package func encode(
    _ text: String, addSpecial: Bool, parseSpecial: Bool, continuing: Bool = false
  ) -> [Int32] {
    var text = text
    return text.withUTF8 {
      encode(
        valid: Array($0), addSpecial: addSpecial, parseSpecial: parseSpecial,
        continuing: continuing)
    }
  }

  /// The ids of UTF-8 text; invalid sequences are read as U+FFFD.
  package func encode(
    bytes: [UInt8], addSpecial: Bool, parseSpecial: Bool, continuing: Bool = false
  ) -> [Int32] {
    let isValid = String(validating: bytes, as: UTF8.self) != nil
    let valid = isValid ? bytes : Array(String(decoding: bytes, as: UTF8.self).utf8)
    return encode(
      valid: valid, addSpecial: addSpecial, parseSpecial: parseSpecial, continuing: continuing)
  }

  private func encode(
    valid text: [UInt8], addSpecial: Bool, parseSpecial: Bool, continuing: Bool
  ) -> [Int32] {
    precondition(text.count < 1 << 30, "encode texts of 1 GiB and more in parts")
    var run = EncodingRun()
    run.ids.reserveCapacity(text.count / 3 + 8)
    if addSpecial { run.ids += prefix }
    for segment in rawTokens.segments(of: text, parseSpecial: parseSpecial) {
      switch segment {
      case .token(let id): run.ids.append(id)
      case .text(let range):
        let position: SegmentPosition =
          range.lowerBound > 0 ? .afterToken : continuing ? .continuation : .startOfText
        let stretch = range.count == text.count ? text : Array(text[range])
        encodeStretch(stretch, at: position, parseSpecial: parseSpecial, &run)
      }
    }
    if addSpecial { run.ids += suffix }
    return run.ids
  }

  /// Encodes what lies between added tokens of the raw text.
  private func encodeStretch(
    _ text: [UInt8], at position: SegmentPosition, parseSpecial: Bool, _ run: inout EncodingRun
  ) {
    let text = normalizer.steps.isEmpty ? text : normalizer(text, at: position)
    if normalizedTokens.isEmpty {
      return encodeWords(preTokenizer(text, at: position), &run)
    }
    for segment in normalizedTokens.segments(of: text, parseSpecial: parseSpecial) {
      switch segment {
      case .token(let id): run.ids.append(id)
      case .text(let range):
        let position = range.lowerBound == 0 ? position : .afterToken
        encodeWords(preTokenizer(Array(text[range]), at: position), &run)
      }
    }
  }

  private func encodeWords(_ words: PreTokenizer.Words, _ run: inout EncodingRun) {
    for range in words.ranges {
      if run.appendKnown(words.text, range) { continue }
      let start = run.ids.count
      model.encode(words.text, range, into: &run.ids, &run.workspace)
      run.remember(words.text, range, start: start)
    }
  }
}

/// The ids so far, and the words met so far with where their ids stand: texts repeat their words.
private struct EncodingRun {
  var ids: [Int32] = []
  var workspace = BytePairModel.Workspace()
  private var known = ByteTable(minimumCapacity: 64)
  private var spans: [Range<Int>] = []

  /// Longer words hardly ever come twice.
  private static let longestWord = 48
  private static let mostWords = 1 << 16

  mutating func appendKnown(_ text: [UInt8], _ range: Range<Int>) -> Bool {
    guard range.count <= Self.longestWord, let index = known.value(of: text, range) else {
      return false
    }
    for position in spans[Int(index)] { ids.append(ids[position]) }
    return true
  }

  mutating func remember(_ text: [UInt8], _ range: Range<Int>, start: Int) {
    guard range.count <= Self.longestWord, spans.count < Self.mostWords else { return }
    known.insert(text, range, value: Int32(spans.count))
    spans.append(start..<ids.count)
  }
}
