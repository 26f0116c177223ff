import ChatTemplates
import Testing

/// Conversations too long to be rendered once for each answer.
struct LongConversationTests {
  private static let stops = ["<|im_end|>", "<|eot_id|>", "</s>"]

  private func conversation(_ count: Int) -> [ChatMessage] {
    [ChatMessage(role: "system", content: "  S\n")]
      + (1..<count).map { index in
        ChatMessage(
          role: index.isMultiple(of: 2) ? "assistant" : "user",
          content: ["", " a", "b \n", "\n\n", "{\"c\": \(index)}", "d d"][index % 6])
      }
  }

  /// The definition itself, for every answer; an error where one rendering does not begin the next.
  private func answers(_ template: ChatTemplate, _ messages: [ChatMessage]) throws -> [String] {
    func render(_ count: Int, _ prompt: Bool) throws -> [UInt8] {
      let text = try template.render(
        messages: Array(messages.prefix(count)), addGenerationPrompt: prompt, bosToken: "<s>",
        eosToken: "</s>", secondsSince1970: ChatTemplate.trainingTime)
      return Array(text.utf8)
    }
    let whole = try render(messages.count, false)
    return try messages.indices.filter { messages[$0].role == "assistant" }.map { index in
      let (start, end) = (try render(index, true), try render(index + 1, false))
      try #require(whole.starts(with: end) && end.starts(with: start))
      return String(decoding: end[start.count...], as: UTF8.self)
    }
  }

  private func trimmed(_ text: String) -> String {
    String(text.reversed().drop(while: \.isWhitespace).reversed())
  }

  /// Templates that put the system's words before the last question rewrite the earlier ones.
  private static let rewriting = ["style-mistral-v3"]

  /// Marks give the very turns that rendering before every answer gives.
  @Test(
    arguments: ChatTemplateTests.templates.filter { $0 != "features" && !rewriting.contains($0) })
  func turnsAreThoseOfTheDefinition(name: String) throws {
    let template = try ChatTemplate(source: ChatTemplateTests.source(name))
    let messages = conversation(61)
    let turns = try template.renderedTurns(
      messages, bosToken: "<s>", eosToken: "</s>", stopTexts: Self.stops)
    let expected = try answers(template, messages)
    let supervised = turns.filter(\.isSupervised).map(\.text)
    #expect(supervised.count == 30 && expected.count == 30)
    for (turn, answer) in zip(supervised, expected) {
      let ends = Self.stops.contains { trimmed(answer).hasSuffix($0) }
      #expect(Array(turn.utf8) == Array((ends ? trimmed(answer) : answer + "</s>").utf8))
    }
  }

  /// A template that puts one answer's words elsewhere is not explained by marks, and one that adds
  /// to a later answer only is found when that answer is compared.
  @Test(arguments: [
    "{% for m in messages %}{% if loop.index == 41 %}[{{ m.content | upper }}]{% else %}[{{ m.content }}]{% endif %}{% endfor %}",
    "{% for m in messages %}[{{ m.content | tojson }}]{% endfor %}",
    "{% for m in messages %}{{ loop.index }}[{{ m.content }}]{% endfor %}",
  ])
  func templatesThatMarksDoNotExplain(source: String) throws {
    let template = try ChatTemplate(source: source)
    let messages = conversation(61)
    let turns = try template.renderedTurns(
      messages, bosToken: nil, eosToken: "</s>", stopTexts: [])
    let expected = try answers(template, messages).map { $0 + "</s>" }
    #expect(turns.filter(\.isSupervised).map(\.text) == expected)
  }

  /// Earlier turns that are rewritten are refused in long conversations too.
  @Test func rewritingTemplatesAreRefused() throws {
    let template = try ChatTemplate(
      source: "{% for m in messages %}[{{ m.content if loop.last else '...' }}]{% endfor %}")
    #expect(throws: ChatTemplateError.self) {
      try template.renderedTurns(
        conversation(61), bosToken: nil, eosToken: "</s>", stopTexts: [])
    }
  }

  /// 1024 messages of 20 kB: rendered once for each answer they would take nine times the budget
  /// of a sample.
  @Test(.timeLimit(.minutes(2)))
  func longConversationsTakeLinearTime() throws {
    let words = String(repeating: "word ", count: 2000)
    let messages = (0..<1024).map { index in
      ChatMessage(role: index.isMultiple(of: 2) ? "user" : "assistant", content: words)
    }
    let turns = try ChatTemplate(named: "chatml").renderedTurns(
      messages, bosToken: nil, eosToken: nil, stopTexts: Self.stops)
    #expect(turns.count { $0.isSupervised } == 512)
  }

  @Test func longerConversationsAreRefused() throws {
    let messages = [ChatMessage](repeating: ChatMessage(role: "user", content: "x"), count: 1025)
    let error = #expect(throws: ChatTemplateError.self) {
      try ChatTemplate(named: "chatml").renderedTurns(
        messages, bosToken: nil, eosToken: nil, stopTexts: Self.stops)
    }
    #expect(error == .tooManyMessages(1025))
    #expect(error?.description.contains("1024") == true)
  }

  /// Training data does not know what day it is, nor where.
  @Test func trainingSeesAFixedTime() throws {
    let template = try ChatTemplate(
      source:
        "{{ strftime_now('%d %b %Y %H:%M') }}{% for m in messages %}[{{ m.content }}]{% endfor %}")
    let turns = try template.renderedTurns(
      [ChatMessage(role: "user", content: "x")], bosToken: nil, eosToken: nil, stopTexts: [])
    #expect(turns.map(\.text) == ["26 Jul 2024 12:00[x]"])
  }
}
