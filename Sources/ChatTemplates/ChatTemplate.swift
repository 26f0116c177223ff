internal import Foundation
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
/// filters. Templates come with models from anywhere, so all work is bounded and nothing outside of
/// the values given can be reached.
package struct ChatTemplate: Sendable {
  package let source: String
  private let nodes: [JinjaNode]

  /// Throws `ChatTemplateError.faulty` with the line where the source does not parse.
  package init(source: String) throws(ChatTemplateError) {
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
  ///   - secondsSince1970: the time that `strftime_now` tells; nil for now.
  package func render(
    messages: [ChatMessage], addGenerationPrompt: Bool, bosToken: String?, eosToken: String?,
    extra: [JSONValue.Member] = [], secondsSince1970: Double? = nil
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
    let date = secondsSince1970.map { Date(timeIntervalSince1970: $0) } ?? Date()
    var interpreter = JinjaInterpreter(names: names, now: DateFields(date))
    return try interpreter.render(nodes)
  }
}
