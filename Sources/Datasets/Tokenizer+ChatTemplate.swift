package import ChatTemplates
package import JSONText
package import Tokenization

extension Tokenizer {
  /// The model's own chat template, else the named one that fits its special tokens, else nil.
  package func chatTemplate() throws(ChatTemplateError) -> ChatTemplate? {
    if let chatTemplateSource { return try ChatTemplate(source: chatTemplateSource) }
    if specialID("<|im_start|>") != nil, specialID("<|im_end|>") != nil {
      return try ChatTemplate(named: "chatml")
    }
    if specialID("<|start_header_id|>") != nil { return try ChatTemplate(named: "llama3") }
    return nil
  }

  /// The conversation as this model reads it (see `ChatTemplate.render`).
  package func render(
    _ messages: [ChatMessage], with template: ChatTemplate, addGenerationPrompt: Bool,
    extra: [JSONValue.Member] = []
  ) throws(ChatTemplateError) -> String {
    try template.render(
      messages: messages, addGenerationPrompt: addGenerationPrompt, bosToken: text(of: bosID),
      eosToken: text(of: eosID), extra: extra)
  }

  /// The conversation cut for training (see `ChatTemplate.renderedTurns`).
  package func renderedTurns(
    _ messages: [ChatMessage], with template: ChatTemplate, extra: [JSONValue.Member] = []
  ) throws(ChatTemplateError) -> [RenderedTurn] {
    try template.renderedTurns(
      messages, bosToken: text(of: bosID), eosToken: text(of: eosID),
      stopTexts: stopIDs.compactMap { text(of: $0) }, extra: extra)
  }
}
