import Checkpoints
import Foundation
import TestSupport
import Testing
import Tokenization

/// Ids and texts against the `tokenizers` and `sentencepiece` libraries and llama.cpp.
struct ReferenceTests {
  @Test(arguments: [
    ("tiny-smollm", "tiny"), ("tiny-llama3", "tiny"), ("tiny-qwen2", "tiny"),
    ("tiny-llama2", "tiny"), ("tiny-metaspace", "tiny"), ("tiny-unknown", "tiny"),
    ("tiny-gptj", "gptj-opt-neox"), ("tiny-opt", "gptj-opt-neox"), ("tiny-neox", "gptj-opt-neox"),
    ("tiny-olmo2", "olmo2-stablelm2"), ("tiny-stablelm2", "olmo2-stablelm2"),
    ("tiny-qwen3", "qwen3-smollm3"), ("tiny-smollm3", "qwen3-smollm3"),
    ("tiny-nemo", "nemo-phi4mini"), ("tiny-phi4mini", "nemo-phi4mini"),
    ("tiny-gemma", "gemma-phi3"), ("tiny-phi3", "gemma-phi3"),
    ("tiny-llama1", "llama1-mistral"), ("tiny-mistral", "llama1-mistral"),
  ])
  func tokenizerJSON(name: String, golden: String) throws {
    let tokenizer = try Tokenizer.load(from: Fixture.folder + name + ".json")
    try GoldenFile("golden-\(golden).json", name).check(tokenizer)
  }

  /// SentencePiece does not read special tokens in text and adds no BOS by itself.
  @Test(arguments: ["tiny-bpe", "tiny-bpe-symbols"])
  func sentencePieceModel(name: String) throws {
    let tokenizer = try Tokenizer.load(from: Fixture.folder + name + ".model")
    try GoldenFile("golden-sentencepiece.json", name)
      .check(tokenizer, addSpecial: false, parseSpecial: false)
  }

  @Test(.enabled(if: Fixture.shared != nil, "needs ../shared/data"))
  func neoX() throws {
    let path = try #require(Fixture.shared) + "gpt-neox/tokenizer.json"
    try GoldenFile("golden-neox.json", "gpt-neox").check(Tokenizer.load(from: path))
  }

  @Test(.enabled(if: Fixture.shared != nil, "needs ../shared/data"))
  func gpt2() throws {
    let path = try #require(Fixture.shared) + "llama.cpp-vocab/ggml-vocab-gpt-2.gguf"
    try GoldenFile("golden-gpt2.json", "gpt2").check(Tokenizer.load(from: path))
  }

  @Test(.enabled(if: Fixture.shared != nil, "needs ../shared/data"))
  func mistral() throws {
    let path = try #require(Fixture.shared) + "mistral/tokenizer.model.v1"
    let tokenizer = try Tokenizer.load(from: path)
    try GoldenFile("golden-mistral.json", "mistral")
      .check(tokenizer, addSpecial: false, parseSpecial: false)
  }

  @Test(
    .enabled(
      if: SmolLM2.path != nil,
      "needs SmolLM2-135M-Instruct: run the quickstart, or set PEQA_TEST_MODEL"))
  func smolLM2() throws {
    let tokenizer = try Tokenizer.load(from: try #require(SmolLM2.path))
    try GoldenFile("golden-smollm2.json", "smollm2").check(tokenizer)
    #expect(tokenizer.vocabularySize == 49152)
    #expect(tokenizer.stopIDs == [0, 2])
    #expect(tokenizer.specialID("<|im_end|>") == 2)
    #expect(!tokenizer.addsBOS)
  }

  /// The vocabulary tests of llama.cpp: ids without BOS, special tokens not read in text.
  @Test(
    .enabled(if: Fixture.shared != nil, "needs ../shared/data"), arguments: ["gpt-2", "llama-spm"])
  func llamaCppVocabulary(name: String) throws {
    let path = try #require(Fixture.shared) + "llama.cpp-vocab/ggml-vocab-\(name).gguf"
    let tokenizer = try Tokenizer.load(from: path)
    let input = try String(contentsOfFile: path + ".inp", encoding: .utf8)
    let output = try String(contentsOfFile: path + ".out", encoding: .utf8)
    let texts = input.components(separatedBy: "\n__ggml_vocab_test__\n")
    let lines = output.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(texts.count == 47)
    for (text, line) in zip(texts, lines) {
      let ids = tokenizer.encode(text, addSpecial: false, parseSpecial: false)
      #expect(
        ids == line.split(separator: " ").compactMap { Int32($0) }, "\(text.debugDescription)")
      #expect(tokenizer.decode(ids, skipSpecial: false) == text)
    }
  }
}
