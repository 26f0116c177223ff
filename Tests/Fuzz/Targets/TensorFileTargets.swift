internal import Checkpoints
internal import DecoderModel
internal import Tokenization

extension FuzzTarget {
  private static let folder = ScratchFolder()

  static let safetensors = FuzzTarget(
    name: "safetensors", maximumSize: 4096,
    seeds: { try Fixture.all(".safetensors") },
    words: ["dtype", "shape", "data_offsets", "__metadata__", "F32", "BF16"],
    read: { bytes in
      readEverything(try SafetensorsFile(path: folder.put("model.safetensors", bytes)))
    })

  /// A GGUF file is also a model's configuration and its tokenizer.
  static let gguf = FuzzTarget(
    name: "gguf", maximumSize: 8192,
    seeds: { try Fixture.all(".gguf") + exampleVocabularies() }, words: ggufWords,
    read: { bytes in
      let file = try GGUFFile(path: folder.put("model.gguf", bytes))
      readEverything(file)
      for entry in file.metadata {
        let value = entry.value
        _ = (value.int, value.double, value.string, value.bool)
        _ = (value.array?.ints, value.array?.floats, value.array?.bools, value.array?.strings)
      }
      _ = try? DecoderConfig(gguf: file)
      try exercise(Tokenizer(gguf: GGUFVocabulary(file)))
    })

  /// Files that hold a whole tokenizer of either kind, and next to nothing else.
  private static func exampleVocabularies() throws -> [[UInt8]] {
    let bytes = (0...255).map { "<0x\(hexadecimal($0))>" }
    let pieces = ["<unk>", "<s>", "</s>"] + bytes + ["\u{2581}", "a", "b", "\u{2581}a", "ab"]
    let types: [Int32] = [2, 3, 3] + bytes.map { _ in 6 } + [1, 1, 1, 1, 1]
    // The stand-ins of byte-level vocabularies: printable Latin-1, then U+0100 onwards.
    let standIns = Array(0x21...0x7E) + Array(0xA1...0xAC) + Array(0xAE...0xFF)
    let characters = (standIns + Array(0x100..<0x144)).map { String(UnicodeScalar($0)!) }
    return try [
      vocabulary(
        "llama", pieces, types, ("scores", .array(GGUFArray(pieces.indices.map { -Float($0) })))),
      vocabulary(
        "gpt2", characters + ["ab", "<|end|>"], characters.map { _ in Int32(1) } + [1, 3],
        ("merges", .array(GGUFArray([Array("a b".utf8)])))),
    ]
  }

  private static func hexadecimal(_ byte: Int) -> String {
    (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
  }

  private static func vocabulary(
    _ model: String, _ tokens: [String], _ types: [Int32], _ rest: (String, GGUFValue)
  ) throws -> [UInt8] {
    let path = folder("example.gguf")
    let members: [(String, GGUFValue)] = [
      ("model", .text(model)), ("pre", .text("default")),
      ("tokens", .array(GGUFArray(tokens.map { Array($0.utf8) }))),
      ("token_type", .array(GGUFArray(types))), rest,
    ]
    try GGUFWriter.write(
      metadata: [GGUFEntry(key: "general.architecture", value: .text("llama"))]
        + members.map { GGUFEntry(key: "tokenizer.ggml." + $0, value: $1) },
      to: path, overwrite: true)
    return try Fixture.bytes(atPath: path)
  }

  private static let ggufWords = [
    "general.architecture", "general.alignment", "llama", "tokenizer.ggml.model",
    "tokenizer.ggml.tokens", "tokenizer.ggml.scores", "tokenizer.ggml.merges",
    "tokenizer.ggml.token_type", "tokenizer.ggml.pre", "gpt2",
  ]

  /// Reads all that a file offers, as a reader of models would.
  private static func readEverything(_ source: some TensorSource) {
    for tensor in source.tensors {
      if tensor.type.isReal { _ = try? source.floats(of: tensor) }
      _ = source.bytes(of: tensor).reduce(0 as UInt8, &+)
    }
  }
}
