internal import JSONText

/// Renders a conversation and its beginnings, all out of one budget, and finds its answers.
struct ConversationRenderer {
  private let template: ChatTemplate
  let messages: [ChatMessage]
  private let bosToken: String?
  private let eosToken: String?
  private let extra: [JSONValue.Member]
  private var budget = RenderBudget(renders: RenderBudget.rendersPerSample)

  init(
    template: ChatTemplate, messages: [ChatMessage], bosToken: String?, eosToken: String?,
    extra: [JSONValue.Member]
  ) {
    self.template = template
    self.messages = messages
    self.bosToken = bosToken
    self.eosToken = eosToken
    self.extra = extra
  }

  /// The first `count` messages, as training data: at a fixed time.
  mutating func render(_ count: Int, prompt: Bool) throws(ChatTemplateError) -> [UInt8] {
    try render(Array(messages.prefix(count)), prompt: prompt)
  }

  mutating func render(
    _ messages: [ChatMessage], prompt: Bool
  ) throws(ChatTemplateError) -> [UInt8] {
    try template.render(
      messages: messages, addGenerationPrompt: prompt, bosToken: bosToken, eosToken: eosToken,
      extra: extra, secondsSince1970: ChatTemplate.trainingTime, budget: &budget
    ).bytes
  }

  /// Where the answers stand in the rendered conversation, in order.
  mutating func answers(in whole: [UInt8]) throws(ChatTemplateError) -> [Range<Int>] {
    let indices = messages.indices.filter { messages[$0].role == "assistant" }
    if indices.count > AnswerBoundaries.mostRendered,
      let layout = try MarkedLayout(whole, &self),
      let answers = try AnswerBoundaries(layout).answers(indices, in: whole, &self)
    {
      return answers
    }
    var answers: [Range<Int>] = []
    for index in indices {
      answers.append(try answer(index, in: whole, after: answers.last?.upperBound ?? 0))
    }
    return answers
  }

  /// Where answer `index` stands by definition: between the messages before it, rendered with the
  /// generation prompt, and the messages up to it.
  mutating func answer(
    _ index: Int, in whole: [UInt8], after position: Int
  ) throws(ChatTemplateError) -> Range<Int> {
    let start = try render(index, prompt: true)
    let end = index + 1 == messages.count ? whole : try render(index + 1, prompt: false)
    guard whole.starts(with: end), end.starts(with: start), start.count >= position else {
      throw .faulty(
        line: 1,
        reason:
          "message \(index + 1): the text before an answer is not the beginning of the text "
          + "with the answer, so it is not clear what to learn. Name another template, such as "
          + "chatml")
    }
    return start.count..<end.count
  }
}
