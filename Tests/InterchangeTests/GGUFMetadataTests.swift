internal import Checkpoints
internal import DecoderModel
internal import Foundation
internal import Interchange
internal import JSONText
internal import TestSupport
import Testing
internal import Tokenization

/// Entries against those that gguf-py wrote into the fixtures, and against the readers.
@Suite struct GGUFMetadataTests {
  // MARK: Models

  /// A file of the fixture's tensors and of new metadata is the fixture's model.
  @Test(arguments: [
    "gemma", "gemma2", "gemma3", "gptneox", "gptneox_seq", "mixtral", "olmo2", "phi3", "qwen2",
    "qwen3", "qwen3moe", "smollm3", "stablelm", "starcoder2",
  ])
  func fixtureIsWrittenAgain(name: String) throws {
    let folder = try TemporaryFolder()
    let fixture = try GGUFFile(path: Scratch.fixture("gguf/\(name)_f32.gguf"))
    let config = try ModelSource.open(fixture.path).config
    // Two numbers of config.json are not in a configuration.
    var members = config.huggingFaceJSON.members ?? []
    if name == "phi3" {
      members.append(.init(key: "original_max_position_embeddings", value: 64))
    }
    if name == "qwen3moe" { members.append(.init(key: "intermediate_size", value: 40)) }
    try folder.put("config.json", JSONValue.object(members).text())
    try GGUFWriter.write(metadata: fixture.metadata, to: folder("tokenizer.gguf"))

    let metadata = try GGUFMetadata(directory: folder.path, fileType: 0)
    #expect(metadata.notes == [])
    #expect(metadata.ropeFactors == nil)
    // A window as long as the longest sequence is none.
    for entry in fixture.metadata where entry.key != "phi3.attention.sliding_window" {
      #expect(metadata[entry.key] == entry.value, "\(entry.key)")
    }
    let writer = try GGUFWriter(
      path: folder("model"), metadata: metadata.entries,
      tensors: fixture.tensors.map {
        TensorDeclaration(name: $0.name, type: $0.type, shape: $0.shape)
      })
    for tensor in fixture.tensors {
      let bytes = Array(fixture.file(of: tensor).bytes[tensor.byteRange])
      try writer.append(bytes, to: tensor.name)
    }
    try writer.finish()
    #expect(try ModelSource.open(folder("model")).config == config)
  }

  /// All published fixtures of these families; windows that no reader knows are told of.
  @Test(arguments: [
    ("dense_llama", false), ("dense_mistral", true), ("dense_mixtral", false),
    ("dense_qwen2", true), ("dense_qwen3", false), ("dense_qwen3_moe", false),
    ("dense_phi3", false), ("dense_phi3_window", false), ("dense_gemma", false),
    ("dense_olmo2", false),
    ("dense_stablelm", false), ("dense_stablelm_par", false), ("dense_starcoder2", true),
    ("dense_gpt_neox", false), ("dense_neox_seq", false), ("yarn_4bit_row", false),
  ])
  func publishedModel(name: String, losesWindow: Bool) throws {
    let metadata = try GGUFMetadata(directory: Scratch.fixture(name), fileType: 7)
    #expect(metadata["general.name"] == .text(name))
    #expect(metadata["general.file_type"] == .uint32(7))
    #expect(metadata.notes.contains { $0.contains("sliding window") } == losesWindow)
    #expect(metadata["tokenizer.ggml.pre"] == .text("gpt-2"))
  }

  @Test(arguments: [
    ("dense_gptj", "gptj"), ("dense_gpt_neo", "gpt_neo"), ("dense_opt", "opt"),
    ("dense_opt350", "opt"),
  ])
  func familyWithoutArchitecture(name: String, family: String) throws {
    let error = #expect(throws: ModelFileError.self) {
      try GGUFMetadata(directory: Scratch.fixture(name), fileType: 0)
    }
    let text = try #require(error).description
    #expect(text.contains("no architecture for \"\(family)\""))
    #expect(text.contains("gptq") && text.contains("qwen3_moe") && text.contains("llama,"))
  }

  /// What an architecture's name stands for and a configuration says otherwise.
  @Test(arguments: Self.unsaid)
  func unsaid(name: String, key: String, value: JSONValue, words: String) throws {
    let folder = try TemporaryFolder()
    try Self.copy(name, to: folder) { members in
      members.removeAll { $0.key == key || $0.key == "rope_parameters" && key == "rope_scaling" }
      if !key.isEmpty { members.append(.init(key: key, value: value)) }
    }
    let error = #expect(throws: ModelFileError.self) {
      try GGUFMetadata(directory: folder.path, fileType: 0)
    }
    #expect(try #require(error).description.contains(words), "\(String(describing: error))")
  }

  /// Fixture, key of config.json, its value, and what the error speaks of.
  private static let unsaid: [(String, String, JSONValue, String)] = [
    ("dense_llama_dynamic", "", .null, "dynamic"),
    ("dense_qwen3_moe", "norm_topk_prob", false, "experts"),
    ("dense_gemma2", "final_logit_softcapping", .null, "logits capped at nothing"),
    ("dense_gemma2", "attn_logit_softcapping", .null, "scores capped at nothing"),
    ("dense_gemma2", "", .null, "scores are multiplied by 0.22"),
    ("dense_gemma3_text", "", .null, "scores are multiplied by 0.22"),
    ("dense_gemma2", "layer_types", ["full_attention", "sliding_attention"], "sliding window"),
    ("dense_gpt_neox", "attention_bias", false, "without biases: self_attn.k_proj"),
    ("dense_starcoder2", "hidden_act", "relu", "activation relu"),
    (
      "dense_qwen2", "rope_scaling",
      [
        "rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4,
        "original_max_position_embeddings": 64,
      ], "llama3"
    ),
    ("yarn_4bit_row", "rope_scaling", untruncated, "rotation"),
  ]

  private static let untruncated: JSONValue = [
    "rope_type": "yarn", "factor": 4, "original_max_position_embeddings": 128, "truncate": false,
  ]

  /// Against LLaMA 3's rule as transformers spells it, piece by piece.
  @Test func llama3Factors() throws {
    let metadata = try GGUFMetadata(
      directory: Scratch.fixture("llama3rope_4bit_row"), fileType: 0)
    let factors = try #require(metadata.ropeFactors)
    let (original, factor, low, high) = (64.0, 8.0, 1.0, 4.0)
    let expected = (0..<8).map { pair -> Double in
      let wavelength = 2 * Double.pi / pow(10_000, -Double(pair) / 8)
      if wavelength < original / high { return 1 }
      if wavelength > original / low { return factor }
      let smooth = (original / wavelength - low) / (high - low)
      return 1 / ((1 - smooth) / factor + smooth)
    }
    #expect(factors.count == expected.count)
    #expect(Set(factors).count > 2)
    // Rounded to single precision once.
    #expect(zip(factors, expected).allSatisfy { abs(Double($0) - $1) <= 1e-7 * $1 })
    #expect(metadata["llama.rope.scaling.type"] == nil)
  }

  @Test func yarn() throws {
    let metadata = try GGUFMetadata(directory: Scratch.fixture("yarn_4bit_row"), fileType: 0)
    let scaling = "llama.rope.scaling"
    #expect(metadata["\(scaling).type"] == .text("yarn"))
    #expect(metadata["\(scaling).factor"] == .float32(4))
    #expect(metadata["\(scaling).original_context_length"] == .uint32(128))
    #expect(metadata["\(scaling).yarn_beta_fast"] == .float32(8))
    #expect(metadata["\(scaling).yarn_beta_slow"] == .float32(0.5))
    #expect(metadata["\(scaling).attn_factor"] == nil)
  }

  @Test func nameAndLicense() throws {
    let folder = try TemporaryFolder()
    try Self.copy("dense_llama", to: folder) { _ in }
    try folder.put("README.md", "---\nlanguage: en\nlicense: apache-2.0\n---\nlicense: none\n")
    let found = try GGUFMetadata(directory: folder.path + "/", fileType: 0)
    #expect(found["general.name"] == .text(folder.url.lastPathComponent))
    #expect(found["general.license"] == .text("apache-2.0"))
    let given = try GGUFMetadata(
      directory: folder.path, fileType: 0, name: "tiny", license: "mit")
    #expect(given["general.name"] == .text("tiny"))
    #expect(given["general.license"] == .text("mit"))
    #expect(Set(given.entries.map(\.key)).count == given.entries.count)
  }

  /// A copy of a fixture's small files, with members of its configuration changed.
  private static func copy(
    _ name: String, to folder: TemporaryFolder, _ change: (inout [JSONValue.Member]) -> Void
  ) throws {
    let path = Scratch.fixture(name)
    var members = try ModelFiles.json(path + "/config.json").members ?? []
    change(&members)
    try folder.put("config.json", JSONValue.object(members).text())
    try folder.put("tokenizer.json", try OpenFile.contents(of: path + "/tokenizer.json"))
  }
}

extension GGUFMetadata {
  subscript(_ key: String) -> GGUFValue? { entries.first { $0.key == key }?.value }
}
