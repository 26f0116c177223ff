package import Checkpoints

extension GGUFVocabulary {
  /// The tokenizer metadata of a GGUF file: a whole model, or metadata only.
  package init(_ file: GGUFFile) throws(TokenizationError) {
    func value(_ name: String) -> GGUFValue? { file["tokenizer.ggml." + name] }
    guard let model = value("model")?.string, let tokens = value("tokens")?.array?.strings else {
      throw .malformed(
        source: file.path,
        reason: "the file holds no tokenizer (tokenizer.ggml.model, tokenizer.ggml.tokens)")
    }
    self.init(
      model: model, pre: value("pre")?.string ?? "default", tokens: tokens,
      scores: value("scores")?.array?.floats ?? [],
      tokenTypes: value("token_type")?.array?.ints ?? [],
      merges: value("merges")?.array?.strings ?? [], bosID: value("bos_token_id")?.int,
      eosID: value("eos_token_id")?.int, unknownID: value("unknown_token_id")?.int,
      paddingID: value("padding_token_id")?.int,
      endOfTurnIDs: ["eot_token_id", "eom_token_id"].compactMap { value($0)?.int },
      addBOS: value("add_bos_token")?.bool, addEOS: value("add_eos_token")?.bool,
      addSpacePrefix: value("add_space_prefix")?.bool,
      chatTemplate: file["tokenizer.chat_template"]?.string)
  }
}

extension Tokenizer {
  package init(gguf vocabulary: GGUFVocabulary, source: String = "GGUF") throws(TokenizationError) {
    self = try vocabulary.definition(source: source).tokenizer(source: source)
  }
}
