/// What data preparation needs of a tokenizer.
package protocol TextEncoder: Sendable {
  /// Ids of `text`, without BOS or EOS.
  ///
  /// - Parameters:
  ///   - parseSpecial: names of special tokens in the text become those tokens.
  ///   - previous: the id before the text; nil at the beginning. SentencePiece puts a space before
  ///     a text that begins a sequence, none before one that continues a text, and leaves it to the
  ///     model what happens after a special token.
  func encode(_ text: String, parseSpecial: Bool, after previous: Int32?) throws -> [Int32]
  /// Text of `ids` with special tokens spelled out; for previews.
  func decode(_ ids: [Int32]) -> String
  /// Put before a sample where `beginsWithBOS`.
  var bosID: Int32? { get }
  /// The tokenizer's own default.
  var beginsWithBOS: Bool { get }
  /// Ends a response.
  var eosID: Int32? { get }
  /// Encoding a text in parts gives the ids of the whole where the parts meet between words: an
  /// ASCII letter ends one, a space and an ASCII letter begin the next. Lets a long text be encoded
  /// in bounded memory.
  var splitsBetweenWords: Bool { get }
  /// Changes whenever the same text could give other ids.
  var fingerprint: String { get }
}

/// Who speaks in a conversation.
package enum ChatRole: String, Sendable, CaseIterable {
  case system, user, assistant
}

/// One turn of a conversation.
package struct ChatTurn: Sendable, Equatable {
  package var role: ChatRole
  package var text: String

  package init(role: ChatRole, text: String) {
    self.role = role
    self.text = text
  }
}

/// What data preparation needs of a model's chat template.
package protocol ChatEncoder: Sendable {
  /// The conversation as pieces whose ids, end to end, are the ids of the rendered conversation.
  ///
  /// The response pieces of an assistant turn are its text and the token that ends the turn.
  func pieces(of turns: [ChatTurn]) throws -> [PromptPiece]
  /// Changes whenever the same conversation could be rendered otherwise.
  var fingerprint: String { get }
}

/// A part of a sample's text that is encoded by itself.
package struct PromptPiece: Sendable, Equatable {
  package var text: String
  /// Written by the model: counts in the loss.
  package var isResponse: Bool
  /// Text of the template, in which names of special tokens are special tokens.
  package var parseSpecial: Bool

  package init(_ text: String, isResponse: Bool = false, parseSpecial: Bool = false) {
    self.text = text
    self.isResponse = isResponse
    self.parseSpecial = parseSpecial
  }
}
