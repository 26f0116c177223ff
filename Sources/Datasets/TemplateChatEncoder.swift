package import ChatTemplates
internal import Checkpoints
package import Tokenization

/// A model's chat template behind `ChatEncoder`.
///
/// A rendered conversation is encoded in few long pieces, so that its ids are those of the whole
/// text, as the model meets them in use. Only where a turn spells out a special token (`<|im_end|>`
/// in a user's words) its text is a piece by itself, encoded as plain characters: the template then
/// prints a placeholder in its place, so that no search can mistake one for the other.
package struct TemplateChatEncoder: ChatEncoder {
  private let tokenizer: Tokenizer
  private let template: ChatTemplate
  package let fingerprint: String

  package init(tokenizer: Tokenizer, template: ChatTemplate) {
    self.tokenizer = tokenizer
    self.template = template
    fingerprint = SHA256.hexDigest(of: Array(Self.identity(of: template).utf8))
  }

  /// What decides the rendered text: the source, and the time where it may be asked for.
  private static func identity(of template: ChatTemplate) -> String {
    let usesTime = template.source.contains("strftime_now")
    return template.source + (usesTime ? "\n\(ChatTemplate.trainingTime)" : "")
  }

  package func pieces(of turns: [ChatTurn]) throws -> [PromptPiece] {
    let isPlain = turns.map { mustStayPlain($0.text) }
    let messages = turns.indices.map {
      ChatMessage(
        role: turns[$0].role.rawValue,
        content: isPlain[$0] ? Placeholder.text(of: $0) : turns[$0].text)
    }
    return try tokenizer.renderedTurns(messages, with: template).flatMap { rendered in
      Placeholder.parts(of: rendered.text).map { part in
        switch part {
        case .text(let text):
          PromptPiece(text, isResponse: rendered.isSupervised, parseSpecial: true)
        case .turn(let index):
          PromptPiece(
            turns.indices.contains(index) ? turns[index].text : "",
            isResponse: rendered.isSupervised)
        }
      }
    }
  }

  /// Whether the text spells out a special token or looks like a placeholder.
  private func mustStayPlain(_ text: String) -> Bool {
    text.utf8.firstRange(of: Placeholder.open) != nil
      || tokenizer.encode(text, addSpecial: false, parseSpecial: true)
        != tokenizer.encode(text, addSpecial: false, parseSpecial: false)
  }
}

/// Stands for the text of a turn while a template is rendered: the turn's index between two
/// private-use characters, U+10FFF0 and U+10FFF1.
private enum Placeholder {
  static let open = Array("\u{10FFF0}".utf8)
  static let close = Array("\u{10FFF1}".utf8)

  enum Part {
    case text(String)
    case turn(Int)
  }

  static func text(of index: Int) -> String { "\u{10FFF0}\(index)\u{10FFF1}" }

  static func parts(of text: String) -> [Part] {
    var parts: [Part] = []
    var rest = Array(text.utf8)[...]
    while let start = rest.firstRange(of: open), let end = rest.firstRange(of: close),
      start.upperBound <= end.lowerBound,
      let index = Int(String(decoding: rest[start.upperBound..<end.lowerBound], as: UTF8.self))
    {
      parts.append(.text(String(decoding: rest[..<start.lowerBound], as: UTF8.self)))
      parts.append(.turn(index))
      rest = rest[end.upperBound...]
    }
    parts.append(.text(String(decoding: rest, as: UTF8.self)))
    return parts
  }
}
