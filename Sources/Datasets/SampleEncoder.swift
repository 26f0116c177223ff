/// Turns examples into tokens: prompt, response and end token, or the model's chat template.
struct SampleEncoder {
  let tokenizer: any TextEncoder
  let chat: (any ChatEncoder)?
  let beginsWithBOS: Bool

  init(tokenizer: any TextEncoder, chat: (any ChatEncoder)?, beginsWithBOS: Bool?)
    throws(DatasetError)
  {
    self.tokenizer = tokenizer
    self.chat = chat
    self.beginsWithBOS = beginsWithBOS ?? tokenizer.beginsWithBOS
    if self.beginsWithBOS, tokenizer.bosID == nil {
      throw .badSetting(key: "tokenizer", reason: "it has no BOS token to begin sequences with")
    }
  }

  var start: [Int32] { beginsWithBOS ? tokenizer.bosID.map { [$0] } ?? [] : [] }

  func encode(_ example: Example, parsesSpecialInText: Bool) throws -> EncodedSample {
    switch example {
    case .completion(let prompt, let response):
      let pieces = [PromptPiece(prompt), PromptPiece(response, isResponse: true)]
      return try encode(pieces, start: start, end: try endToken())
    case .chat(let turns):
      guard let chat else {
        throw DatasetError.badSetting(
          key: "chat_template",
          reason: "conversations need one, and the model brings none; name one in the run file, or "
            + "take a model that has one")
      }
      return try encode(try chat.pieces(of: turns), start: [], end: nil)
    case .document(let text):
      let ids = try tokenizer.encode(text, parseSpecial: parsesSpecialInText, after: nil)
      return EncodedSample(tokens: start + ids + [try endToken()], responses: [])
    }
  }

  private func endToken() throws(DatasetError) -> Int32 {
    guard let end = tokenizer.eosID else {
      throw .badSetting(key: "tokenizer", reason: "it has no EOS token to end responses with")
    }
    return end
  }

  /// `end` nil: the pieces bring their end tokens. A response of nothing but its end token teaches
  /// nothing, so it does not count as one.
  private func encode(_ pieces: [PromptPiece], start: [Int32], end: Int32?) throws -> EncodedSample
  {
    var sample = EncodedSample(tokens: start, responses: [])
    var responseStart: Int?
    for piece in pieces {
      let position = sample.tokens.count
      sample.tokens += try tokenizer.encode(
        piece.text, parseSpecial: piece.parseSpecial,
        after: position > start.count ? sample.tokens.last : nil)
      if piece.isResponse {
        responseStart = responseStart ?? position
      } else if let first = responseStart {
        sample.addResponse(first..<position)
        responseStart = nil
      }
    }
    if let end { sample.tokens.append(end) }
    if let first = responseStart { sample.addResponse(first..<sample.tokens.count) }
    return sample
  }
}

extension EncodedSample {
  fileprivate mutating func addResponse(_ span: Range<Int>) {
    if span.count > 1 { responses.append(span) }
  }
}
