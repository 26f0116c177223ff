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
  /// The longest conversation that is rendered for training.
  package static let maximumMessages = 1024

  /// What `strftime_now` tells a template while training data is made: 26 July 2024, 12:00 UTC, the
  /// date that LLaMA 3's own templates fall back to. With the real time the data would depend on
  /// the day and the time zone of the host that tokenizes it.
  package static let trainingTime = 1_721_995_200.0

  /// The rendered conversation, cut where an assistant begins to speak and where its turn ends.
  ///
  /// What comes before an answer is the rendering of the messages before it with the generation
  /// prompt, exactly what a model sees when it is used. Each such rendering must begin the next;
  /// templates that rewrite earlier turns (to leave out "thinking", say) are refused. A turn that
  /// does not end in one of `stopTexts` gets `eosToken`.
  ///
  /// Long conversations are not rendered once for each answer: see `AnswerBoundaries`.
  package func renderedTurns(
    _ messages: [ChatMessage], bosToken: String?, eosToken: String?, stopTexts: [String],
    extra: [JSONValue.Member] = []
  ) throws(ChatTemplateError) -> [RenderedTurn] {
    guard messages.count <= Self.maximumMessages else {
      throw .tooManyMessages(messages.count)
    }
    var renderer = ConversationRenderer(
      template: self, messages: messages, bosToken: bosToken, eosToken: eosToken, extra: extra)
    let whole = try renderer.render(messages.count, prompt: false)
    var turns: [RenderedTurn] = []
    var position = 0
    for answer in try renderer.answers(in: whole) {
      turns.appendText(whole[position..<answer.lowerBound], isSupervised: false)
      let (length, suffix) = try Self.supervised(
        Array(whole[answer]), stopTexts + [eosToken ?? ""], eosToken)
      position = answer.lowerBound + length
      turns.appendText(whole[answer.lowerBound..<position] + suffix, isSupervised: true)
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
  /// Leaves out nothing but empty stretches.
  fileprivate mutating func appendText(_ bytes: ArraySlice<UInt8>, isSupervised: Bool) {
    guard !bytes.isEmpty else { return }
    append(
      RenderedTurn(text: String(decoding: bytes, as: UTF8.self), isSupervised: isSupervised))
  }
}
