internal import Checkpoints
internal import Tokenization

extension GGUFVocabulary {
  /// `tokenizer.*`, as `GGUFVocabulary(_:)` reads them.
  var entries: [GGUFEntry] {
    var list = GGUFEntryList()
    func key(_ name: String) -> String { "tokenizer.ggml." + name }
    list.text(key("model"), model)
    list.text(key("pre"), pre)
    list.put(key("tokens"), .array(GGUFArray(tokens)))
    list.put(key("scores"), scores.isEmpty ? nil : .array(GGUFArray(scores)))
    let types = tokenTypes.map { Int32(clamping: $0) }
    list.put(key("token_type"), types.isEmpty ? nil : .array(GGUFArray(types)))
    list.put(key("merges"), merges.isEmpty ? nil : .array(GGUFArray(merges)))
    list.integer(key("bos_token_id"), bosID)
    list.integer(key("eos_token_id"), eosID)
    list.integer(key("unknown_token_id"), unknownID)
    list.integer(key("padding_token_id"), paddingID)
    for (name, id) in zip(["eot_token_id", "eom_token_id"], endOfTurnIDs) {
      list.integer(key(name), id)
    }
    list.flag(key("add_bos_token"), addBOS)
    list.flag(key("add_eos_token"), addEOS)
    list.flag(key("add_space_prefix"), addSpacePrefix)
    list.text("tokenizer.chat_template", chatTemplate)
    return list.entries
  }
}
