import ChatTemplates
import Testing

/// What of a conversation is supervised.
struct RenderedTurnsTests {
  private let conversation = [
    ChatMessage(role: "system", content: "S"), ChatMessage(role: "user", content: "U1"),
    ChatMessage(role: "assistant", content: "A1"), ChatMessage(role: "user", content: "U2"),
    ChatMessage(role: "assistant", content: "A2"),
  ]

  private func turns(_ template: ChatTemplate, _ messages: [ChatMessage]) throws -> [RenderedTurn] {
    try template.renderedTurns(
      messages, bosToken: "<s>", eosToken: "</s>", stopTexts: ["<|im_end|>", "<|eot_id|>", "</s>"])
  }

  @Test(arguments: [
    ("chatml", ["A1<|im_end|>", "A2<|im_end|>"]), ("qwen2", ["A1<|im_end|>", "A2<|im_end|>"]),
    ("llama3", ["A1<|eot_id|>", "A2<|eot_id|>"]), ("llama2", [" A1 </s>", " A2 </s>"]),
    ("mistral", [" A1</s>", " A2</s>"]), ("zephyr", ["A1</s>", "A2</s>"]),
    ("alpaca", ["A1</s>", "A2</s>"]),
  ])
  func supervised(name: String, expected: [String]) throws {
    let template = try ChatTemplate(named: name)
    let turns = try turns(template, conversation)
    #expect(turns.filter(\.isSupervised).map(\.text) == expected)
    let whole = try template.render(
      messages: conversation, addGenerationPrompt: false, bosToken: "<s>", eosToken: "</s>")
    #expect(turns.map(\.text).joined() == whole)
  }

  @Test func conversationsWithoutAnswersHaveNothingSupervised() throws {
    let turns = try turns(ChatTemplate(named: "chatml"), Array(conversation.prefix(2)))
    #expect(turns.map(\.isSupervised) == [false])
  }

  /// A template that forgets the end token: the tokenizer's own is added.
  @Test func missingEndTokenIsAdded() throws {
    let template = try ChatTemplate(
      source: "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
        + "{% if add_generation_prompt %}assistant: {% endif %}")
    let turns = try turns(template, conversation)
    #expect(turns.filter(\.isSupervised).map(\.text) == ["A1\n</s>", "A2\n</s>"])
    #expect(throws: ChatTemplateError.self) {
      try template.renderedTurns(conversation, bosToken: nil, eosToken: nil, stopTexts: [])
    }
  }

  /// Thoughts of earlier turns disappear when the conversation goes on.
  @Test func rewritingTemplatesAreRefused() throws {
    let template = try ChatTemplate(source: ChatTemplateTests.source("style-thinking"))
    var thinking = conversation
    thinking[2].content = "<think>x</think>A1"
    #expect(throws: ChatTemplateError.self) { try turns(template, thinking) }
    #expect(try turns(template, conversation).filter(\.isSupervised).count == 2)
  }
}
