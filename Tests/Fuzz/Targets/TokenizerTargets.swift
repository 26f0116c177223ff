internal import Datasets
internal import Tokenization

extension FuzzTarget {
  private static let folder = ScratchFolder()

  static let tokenizerJSON = FuzzTarget(
    name: "tokenizer", maximumSize: 8192,
    seeds: {
      try Fixture.all(".json")
    }, words: tokenizerWords,
    read: { bytes in
      try exercise(Tokenizer.load(from: folder.put("tokenizer.json", bytes)))
    })

  private static let tokenizerWords = [
    "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "model", "vocab",
    "merges", "BPE", "ByteLevel", "Sequence", "Split", "Regex", "Metaspace", "Prepend", "Replace",
    "ByteFallback", "Fuse", "Strip", "TemplateProcessing", "special_tokens", "byte_fallback",
    "ignore_merges", "add_prefix_space", "Digits", "Isolated", "lstrip", "rstrip", "single_word",
  ]

  static let sentencePiece = FuzzTarget(
    name: "sentencepiece", maximumSize: 8192,
    seeds: { try Fixture.all(".model") },
    read: { bytes in
      try exercise(Tokenizer.load(from: folder.put("tokenizer.model", bytes)))
    })
}

/// Encodes and decodes; ids must be those of the vocabulary.
func exercise(_ tokenizer: Tokenizer) throws {
  for text in ["The quick <s>🦙  fox's 12\n", "a\u{301}\0 ▁▁ ＡＢ\r\n\t<|im_end|>", ""] {
    let ids = tokenizer.encode(text, addSpecial: true, parseSpecial: true)
    require(ids.allSatisfy { $0 >= 0 && $0 < tokenizer.vocabularySize }, "an id out of range")
    _ = tokenizer.decode(ids, skipSpecial: true)
    _ = tokenizer.decode(ids, skipSpecial: false)
  }
  _ = try tokenizer.chatTemplate()
}
