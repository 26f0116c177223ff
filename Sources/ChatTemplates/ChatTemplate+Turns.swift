package import JSONText

/// A stretch of a rendered conversation.
package struct RenderedTurn: Sendable, Equatable {
  package var text: String
  /// An assistant's words together with the token that ends them: what training is to learn.
  package var isSupervised: Bool

  package init(text: String, isSupervised: Bool) {
    self.text = text
    self.isSupervised = isSupervised
  }
}

extension ChatTemplate {
  /// The rendered conversation, cut where an assistant begins to speak and where its turn ends.
  ///
  /// Found by rendering growing parts of the conversation: what comes before an answer is the
  /// rendering of the messages before it with the generation prompt, exactly what a model sees when
  /// it is used. Each part must begin the next; templates that rewrite earlier turns (to leave out
  /// "thinking", say) are refused. A turn that does not end in one of `stopTexts` gets `eosToken`.
  package func renderedTurns(
    _ messages: [ChatMessage], bosToken: String?, eosToken: String?, stopTexts: [String],
    extra: [JSONValue.Member] = []
  ) throws(ChatTemplateError) -> [RenderedTurn] {
    func rendered(_ count: Int, _ prompt: Bool) throws(ChatTemplateError) -> [UInt8] {
      try render(
        messages: Array(messages.prefix(count)), addGenerationPrompt: prompt, bosToken: bosToken,
        eosToken: eosToken, extra: extra
      ).bytes
    }
    let whole = try rendered(messages.count, false)
    var turns: [RenderedTurn] = []
    var position = 0
    for (index, message) in messages.enumerated() where message.role == "assistant" {
      let start = try rendered(index, true)
      let end = index + 1 == messages.count ? whole : try rendered(index + 1, false)
      guard whole.starts(with: end), end.starts(with: start), start.count >= position else {
        throw .faulty(
          line: 1,
          reason:
            "message \(index + 1): the text before an answer is not the beginning of the text "
            + "with the answer, so it is not clear what to learn. Name another template, such as "
            + "chatml")
      }
      turns.appendText(whole[position..<start.count], isSupervised: false)
      let (length, suffix) = try Self.supervised(
        Array(end[start.count...]), stopTexts + [eosToken ?? ""], eosToken)
      turns.appendText(whole[start.count..<(start.count + length)] + suffix, isSupervised: true)
      position = start.count + length
    }
    turns.appendText(whole[position...], isSupervised: false)
    return turns
  }

  /// How much of an answer is supervised, and what has to be added to end it.
  private static func supervised(
    _ answer: [UInt8], _ stopTexts: [String], _ eosToken: String?
  ) throws(ChatTemplateError) -> (length: Int, suffix: [UInt8]) {
    let trimmed =
      answer.count - answer.reversed().prefix { $0 == 0x20 || (9...13).contains($0) }.count
    let body = Array(answer[..<trimmed])
    let ends = stopTexts.contains {
      !$0.isEmpty && body.contains($0.bytes, at: body.count - $0.utf8.count)
    }
    if ends { return (trimmed, []) }
    guard let eosToken, !eosToken.isEmpty else {
      throw .faulty(
        line: 1,
        reason:
          "an assistant's turn does not end in an end token, and the tokenizer has none to add")
    }
    return (answer.count, eosToken.bytes)
  }
}

extension [RenderedTurn] {
  /// Adds to the last turn where the kind is the same; leaves out nothing.
  fileprivate mutating func appendText(_ bytes: ArraySlice<UInt8>, isSupervised: Bool) {
    guard !bytes.isEmpty else { return }
    append(
      RenderedTurn(text: String(decoding: bytes, as: UTF8.self), isSupervised: isSupervised))
  }
}
