internal import Checkpoints
internal import DecoderModel
internal import Foundation
internal import JSONText
import Testing

private let llama: [(String, JSONValue)] = [
  ("model_type", "llama"), ("vocab_size", 100), ("hidden_size", 64), ("intermediate_size", 128),
  ("num_hidden_layers", 2), ("num_attention_heads", 4), ("num_key_value_heads", 2),
]

private func config(_ changes: [(String, JSONValue?)]) throws -> DecoderConfig {
  var members = llama.map { JSONValue.Member(key: $0.0, value: $0.1) }
  for (key, value) in changes {
    members.removeAll { $0.key == key }
    if let value { members.append(.init(key: key, value: value)) }
  }
  return try DecoderConfig(huggingFace: .object(members), path: "config.json")
}

@Suite struct DecoderConfigTests {
  /// Values of tiny_models.py and of transformers' defaults.
  @Test func readsTheFixtures() throws {
    func read(_ name: String) throws -> DecoderConfig {
      try QuantizedBase(path: Fixtures.path(name)).config
    }
    let llama = try read("llama_4bit_row")
    #expect(
      llama
        == DecoderConfig(
          vocabularySize: 96, hiddenSize: 64, intermediateSize: 160, layerCount: 2, headCount: 4,
          keyValueHeadCount: 2, headSize: 16, maximumLength: 512))
    let qwen2 = try read("qwen2_4bit_g32")
    #expect(
      qwen2
        == DecoderConfig(
          modelType: "qwen2", vocabularySize: 96, hiddenSize: 48, intermediateSize: 80,
          layerCount: 2, headCount: 3, keyValueHeadCount: 1, headSize: 16, normEpsilon: 1e-6,
          rope: RopeConfig(theta: 1_000_000), maximumLength: 512, tiedEmbeddings: true,
          block: BlockSpec { $0.biases = [.query, .key, .value] }))
    let mistral = try read("mistral_4bit_row")
    #expect(mistral.slidingWindow == 8 && mistral.headSize == 32)
    let qwen3 = try read("qwen3_4bit_row")
    #expect(
      qwen3
        == DecoderConfig(
          modelType: "qwen3", vocabularySize: 96, hiddenSize: 48, intermediateSize: 80,
          layerCount: 2, headCount: 4, keyValueHeadCount: 2, headSize: 32, normEpsilon: 1e-6,
          rope: RopeConfig(theta: 1_000_000), maximumLength: 512, tiedEmbeddings: true,
          block: BlockSpec { $0.queryKeyNorm = .head }))
    let phi3 = try ModelSource.open(Fixtures.path("dense_phi3")).config
    #expect(phi3.slidingWindow == 8 && phi3.normEpsilon == 1e-5 && phi3.keyValueHeadCount == 2)
    #expect(try read("smollm3_4bit_row").unrotatedLayers == [1])
    let scaled = try read("llama3rope_4bit_row")
    #expect(
      scaled.rope.scaling
        == .llama3(
          factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalLength: 64))
  }

  /// transformers 5 writes `rope_parameters`.
  @Test func readsRopeParameters() throws {
    let dense = try ModelSource.open(Fixtures.path("dense_f16")).config
    #expect(dense.rope == RopeConfig(theta: 10_000))
    #expect(dense.headSize == 8)
    let scaled = try config([
      ("rope_parameters", ["rope_type": "linear", "rope_theta": 5e5, "factor": 2.0])
    ])
    #expect(scaled.rope == RopeConfig(theta: 500_000, scaling: .linear(factor: 2)))
    let legacy = try config([("rope_scaling", ["type": "linear", "factor": 4])])
    #expect(legacy.rope.scaling == .linear(factor: 4))
  }

  @Test(
    arguments: [
      "llama_4bit_row", "qwen2_4bit_g32", "mistral_4bit_row", "llama3rope_4bit_row",
      "qwen3_4bit_row", "yarn_4bit_row", "smollm3_4bit_row",
    ] + familyBases)
  func survivesARoundTrip(name: String) throws {
    let config = try QuantizedBase(path: Fixtures.path(name)).config
    let text = config.huggingFaceJSON.text(indent: 1)
    #expect(try DecoderConfig(huggingFace: JSONValue(parsing: text), path: "") == config)
  }

  @Test func defaultsAreThoseOfTransformers() throws {
    let config = try config([("num_key_value_heads", nil)])
    #expect(config.keyValueHeadCount == 4)
    #expect(config.headSize == 16)
    #expect(config.normEpsilon == 1e-6)
    #expect(config.maximumLength == 2048)
    #expect(!config.tiedEmbeddings)
    let mistral = try DecoderConfigTests.mistral([])
    #expect(mistral.slidingWindow == 4096)
    #expect(
      try DecoderConfigTests.mistral([("sliding_window", JSONValue.null)]).slidingWindow == nil)
  }

  private static func mistral(_ changes: [(String, JSONValue?)]) throws -> DecoderConfig {
    try config([("model_type", "mistral")] + changes)
  }

  @Test(
    arguments: [
      ("hidden_size", JSONValue.integer(0)), ("hidden_size", -64), ("hidden_size", "64"),
      ("hidden_size", 1e30), ("hidden_size", 66), ("vocab_size", nil), ("num_hidden_layers", 5000),
      ("num_attention_heads", 0), ("num_key_value_heads", 3), ("head_dim", 15),
      ("rms_norm_eps", -1e-5), ("rms_norm_eps", 3), ("rope_theta", 0), ("rope_theta", "x"),
      ("tie_word_embeddings", 1), ("max_position_embeddings", 0),
      ("rope_scaling", ["rope_type": "linear", "factor": 0]),
      ("rope_scaling", ["rope_type": "llama3", "factor": 8]), ("rope_scaling", "yarn"),
      ("rope_parameters", ["linear"]), ("hidden_act", 5),
      ("rope_scaling", ["rope_type": "dynamic", "factor": 1e6]),
    ] as [(String, JSONValue?)])
  func refusesWhatIsOutOfRange(key: String, value: JSONValue?) {
    let error = #expect(throws: ModelFileError.self) { try config([(key, value)]) }
    #expect(error?.exitCode == 65)
    if case .faults(_, let faults) = error {
      #expect(!faults.isEmpty)
    } else {
      Issue.record("expected faults, got \(String(describing: error))")
    }
  }

  @Test func reportsAllFaultsTogether() {
    let error = #expect(throws: ModelFileError.self) {
      try config([("vocab_size", 0), ("hidden_size", nil), ("rms_norm_eps", "tiny")])
    }
    guard case .faults(_, let faults) = error else {
      Issue.record("expected faults")
      return
    }
    #expect(faults.count == 3)
  }

  @Test(
    arguments: [
      ("model_type", JSONValue.string("gpt2")), ("model_type", nil),
      ("hidden_act", "quick_gelu"), ("mlp_bias", true), ("partial_rotary_factor", 0.5),
      ("rope_scaling", ["rope_type": "longrope", "factor": 4]),
      ("layer_types", ["full_attention", "sliding_attention"]),
    ] as [(String, JSONValue?)])
  func refusesWhatItDoesNotCompute(key: String, value: JSONValue?) {
    let error = #expect(throws: ModelFileError.self) { try config([(key, value)]) }
    guard case .unsupported(_, let detail) = error else {
      Issue.record("expected unsupported, got \(String(describing: error))")
      return
    }
    if key == "model_type" {
      #expect(detail.contains("llama, mistral, mixtral, qwen2, qwen3, qwen3_moe, phi3, smollm3"))
    }
  }

  /// What families read beyond the sizes, out of range.
  @Test(arguments: [
    #"{"model_type":"gptj","vocab_size":9,"n_embd":4,"n_layer":1,"n_head":4}"#,
    #"""
    {"model_type":"phi3","vocab_size":9,"hidden_size":64,"intermediate_size":8,
     "num_hidden_layers":1,"num_attention_heads":4,
     "rope_parameters":{"partial_rotary_factor":1e300}}
    """#,
    #"""
    {"model_type":"stablelm","vocab_size":9,"hidden_size":64,"intermediate_size":8,
     "num_hidden_layers":1,"num_attention_heads":4,"num_key_value_heads":4,
     "rope_parameters":{"partial_rotary_factor":-1}}
    """#,
    #"""
    {"model_type":"mixtral","vocab_size":9,"hidden_size":64,"intermediate_size":8,
     "num_hidden_layers":4096,"num_attention_heads":8,"num_local_experts":1024}
    """#,
    #"""
    {"model_type":"gpt_neo","vocab_size":9,"hidden_size":64,"num_layers":2,"num_heads":4,
     "attention_types":[[["global","local"],1000000000]]}
    """#,
    #"""
    {"model_type":"gemma3_text","vocab_size":9,"hidden_size":64,"intermediate_size":8,
     "num_hidden_layers":2,"num_attention_heads":4,"layer_types":["full_attention"]}
    """#,
  ])
  func refusesWhatFamiliesCannotHave(text: String) throws {
    let json = try JSONValue(parsing: text)
    let error = #expect(throws: ModelFileError.self) {
      try DecoderConfig(huggingFace: json, path: "")
    }
    #expect(error?.exitCode == 65)
  }
}
