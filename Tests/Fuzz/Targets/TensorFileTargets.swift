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
    seeds: { try Fixture.all(".gguf") }, words: ggufWords,
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
