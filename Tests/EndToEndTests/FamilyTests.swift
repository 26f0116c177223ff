import Foundation
import JSONText
import TestSupport
import Testing

/// Every family by the program, from a published directory to an answer of the tuned base. The
/// directories and the perplexities are transformers' (make_families.py).
@Suite(.serialized) struct FamilyTests {
  static let names = [
    "mistral", "qwen2", "qwen3", "gptj", "gpt_neo", "opt", "opt350", "gemma", "gemma2",
    "gemma3_text", "gpt_neox", "neox_seq", "phi3", "olmo2", "mixtral", "qwen3_moe", "stablelm",
    "stablelm_par", "llama_dynamic",
  ]

  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func run(_ arguments: [String], ranks: Int? = nil, status: Int32 = 0) throws -> String {
    let result = try Program.run(arguments, ranks: ranks)
    #expect(result.status == status, "\(arguments): \(result.standardError)")
    return result.standardOutput
  }

  private func path(_ name: String) -> String { folder.file(name).path }

  @Test(arguments: names)
  func evaluatedQuantizedTrainedResumedGenerated(name: String) throws {
    let model = Program.root.appending(path: "Tests/DecoderModelTests/Fixtures/dense_\(name)")
    try evaluate(model)
    _ = try run(["quantize", model.path, "--output", path("base"), "--group-size", "32"])
    // Its sequences end at twice its 12 positions.
    let length = name == "llama_dynamic" ? 24 : 48
    let alone = try train("alone", length)
    _ = try run(
      arguments("cut", length) + ["--max-wall-time", "1e-9"], ranks: 2, status: 75)
    #expect(try train("cut", length) == alone, "resumed on other ranks")
    let task = ["--adapter", path("alone")]
    #expect(try loss(task) < loss([]), "what was learned")
    let answer = try run(
      ["generate", path("base"), "--prompt", "Line 3: the", "--max-new-tokens", "12"] + task)
    #expect(!answer.isEmpty)
  }

  private func evaluate(_ model: URL) throws {
    let golden = try JSONValue(
      parsing: String(contentsOf: model.appending(path: "golden.json"), encoding: .utf8))
    // Of the models of make_families.py alone.
    guard let text = golden["text"]?["text"]?.string else { return }
    try folder.write(text, to: "text.txt")
    let result = try JSONValue(
      parsing: run([
        "eval", model.path, "--perplexity", path("text.txt"), "--max-length", "64", "--dtype",
        "fp32", "--json",
      ]))
    #expect(result["tokens"]?.int == golden["text"]?["tokens"]?.int)
    let perplexity = try #require(result["perplexity"]?.double)
    let expected = try #require(golden["text"]?["perplexity"]?.double)
    #expect(abs(perplexity - expected) < 1e-4 * expected)
  }

  /// Of the base over the text of the run.
  private func loss(_ task: [String]) throws -> Double {
    let output = try run(
      ["eval", path("base"), "--perplexity", path("text.txt"), "--max-length", "24"]
        + ["--windows", "20", "--json"] + task)
    return try #require(JSONValue(parsing: output)["loss"]?.double)
  }

  private func arguments(_ output: String, _ length: Int) throws -> [String] {
    let file = try folder.runFile(
      """
      max_steps: 4
      val_set_size: 0
      learning_rate: 2e-2
      warmup_steps: 1
      save_steps: 2
      """)
    return [
      "train", file, "--model", path("base"), "--max-seq-length", "\(length)", "--output-dir",
      path(output), "--scale-granularity", "group",
    ]
  }

  private func train(_ output: String, _ length: Int) throws -> Data {
    _ = try run(arguments(output, length))
    return try Data(contentsOf: folder.file("\(output)/adapter_model.safetensors"))
  }
}
