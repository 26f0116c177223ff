package import JSONText

/// One turn of a conversation.
package struct ChatMessage: Sendable, Equatable {
  /// `system`, `user` or `assistant`; templates may know more.
  package var role: String
  package var content: String

  package init(role: String, content: String) {
    self.role = role
    self.content = content
  }
}

/// A chat template: the Jinja text by which a model was taught what a conversation looks like.
///
/// Rendering follows `transformers` (`apply_chat_template`): the same white-space rules, names and
/// filters. Templates come with models from anywhere, so all work is bounded (`RenderBudget`) and
/// nothing outside of the values given can be reached, but the clock where it is asked for.
package struct ChatTemplate: Sendable {
  package let source: String
  private let nodes: [JinjaNode]

  /// Bytes of source; the templates of known models have at most 30 thousand.
  static let maximumSource = 1 << 18

  /// Throws `ChatTemplateError.faulty` with the line where the source does not parse.
  package init(source: String) throws(ChatTemplateError) {
    guard source.utf8.count <= Self.maximumSource else {
      throw .faulty(
        line: 1, reason: "a template of more than \(Self.maximumSource >> 10) kiB is not read")
    }
    self.source = source
    nodes = try JinjaParser.parse(source)
  }

  /// The text of a conversation.
  ///
  /// - Parameters:
  ///   - addGenerationPrompt: end with what comes before an assistant's answer.
  ///   - bosToken, eosToken: their texts; templates place them themselves, so encode the result
  ///     with `addSpecial: false, parseSpecial: true`.
  ///   - extra: more names for the template, such as `date_string` or `tools`.
  ///   - secondsSince1970: the time that `strftime_now` tells, in UTC; nil for now, in local time.
  package func render(
    messages: [ChatMessage], addGenerationPrompt: Bool, bosToken: String?, eosToken: String?,
    extra: [JSONValue.Member] = [], secondsSince1970: Double? = nil
  ) throws(ChatTemplateError) -> String {
    var budget = RenderBudget()
    return try render(
      messages: messages, addGenerationPrompt: addGenerationPrompt, bosToken: bosToken,
      eosToken: eosToken, extra: extra, secondsSince1970: secondsSince1970, budget: &budget)
  }

  /// The same out of a budget for several renders.
  func render(
    messages: [ChatMessage], addGenerationPrompt: Bool, bosToken: String?, eosToken: String?,
    extra: [JSONValue.Member], secondsSince1970: Double?, budget: inout RenderBudget
  ) throws(ChatTemplateError) -> String {
    let turns: [JinjaValue] = messages.map { message in
      .dictionary([
        JinjaValue.Member(key: "role", value: .string(message.role)),
        JinjaValue.Member(key: "content", value: .string(message.content)),
      ])
    }
    var names: [String: JinjaValue] = [
      "messages": .list(turns), "add_generation_prompt": .bool(addGenerationPrompt),
      "bos_token": .string(bosToken ?? ""), "eos_token": .string(eosToken ?? ""),
      "tools": .none, "documents": .none,
    ]
    for member in extra { names[member.key] = JinjaValue(member.value) }
    let given = budget.forOneRender()
    var interpreter = JinjaInterpreter(
      names: names, now: DateFields(secondsSince1970: secondsSince1970), budget: given)
    let text = try interpreter.render(nodes)
    budget.subtract(interpreter.budget, givenAs: given)
    return text
  }
}
