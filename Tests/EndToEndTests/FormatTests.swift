import Foundation
import JSONText
import TestSupport
import Testing

/// Quantized models of other programs by the program: taken in, trained, and given back in their
/// own form, in which they compute what was trained.
@Suite struct FormatTests {
  private static let fixtures = Program.root.appending(path: "Tests/InterchangeTests/Fixtures")

  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func path(_ name: String) -> String { folder.file(name).path }

  @discardableResult
  private func run(_ arguments: [String], status: Int32 = 0) async throws -> String {
    let result = try await Program.run(arguments)
    #expect(result.status == status, "\(arguments): \(result.standardError)")
    return status == 0 ? result.standardOutput : result.standardError
  }

  /// A way of a model of the fixtures; of both granularities where numbers have groups.
  struct Case: Sendable, CustomTestStringConvertible {
    let model: String
    let format: String
    let granularity: String

    var testDescription: String { "\(model), \(granularity)" }
  }

  static let cases = [
    Case(model: "gptq_4bit_g32", format: "gptq", granularity: "row"),
    Case(model: "gptq_4bit_g32", format: "gptq", granularity: "group"),
    Case(model: "gptq_4bit_g32_act", format: "gptq", granularity: "group"),
    Case(model: "awq_4bit_g32", format: "awq", granularity: "group"),
    Case(model: "mlx_4bit_g32", format: "mlx", granularity: "row"),
    Case(model: "ct_4bit_g32", format: "compressed-tensors", granularity: "group"),
    Case(model: "gguf/q4_0.gguf", format: "gguf", granularity: "group"),
    Case(model: "gguf/q4_k_m.gguf", format: "gguf", granularity: "row"),
    Case(model: "gguf/q4_k_m.gguf", format: "gguf", granularity: "group"),
  ]

  @Test(arguments: cases) func importedTrainedExported(_ way: Case) async throws {
    let model = Self.fixtures.appending(path: way.model).path
    let output = path(way.format == "gguf" ? "out.gguf" : "out")
    try await run(["quantize", model, "--keep-codes", "-o", path("base")])
    try await train(way.granularity)
    let report = try await run(
      ["export", path("base"), "--adapter", path("task"), "--format", way.format, "-o", output]
        + ["--json"])
    let json = try JSONValue(parsing: report)
    #expect(json["exact"]?.bool == true && json["hands_back"]?.bool == true)
    #expect(json["largest_difference"]?.double == 0)

    let tuned = try await perplexity(path("base"), ["--adapter", path("task")])
    let written = try await perplexity(output)
    // The same weights in fp32, added up in another order. The mean of losses is off by some 1e-6
    // of their size, which is about 5.
    #expect(abs(written / tuned - 1) < 1e-5)
    // What was trained is something else than the model that came.
    let plain = try await perplexity(model)
    #expect(abs(plain / tuned - 1) > 1e-3)
  }

  /// Three steps.
  private func train(_ granularity: String) async throws {
    let file = try folder.runFile(
      """
      max_steps: 3
      val_set_size: 0
      learning_rate: 2e-2
      warmup_steps: 1
      """)
    try await run([
      "train", file, "--model", path("base"), "--max-seq-length", "48", "--global-batch-size", "2",
      "--output-dir", path("task"), "--scale-granularity", granularity,
    ])
  }

  private func perplexity(_ model: String, _ task: [String] = []) async throws -> Double {
    let output = try await run(
      ["eval", model, "--perplexity", path("text.txt"), "--max-length", "32", "--windows", "4"]
        + ["--dtype", "fp32", "--json"] + task)
    return try #require(JSONValue(parsing: output)["perplexity"]?.double)
  }

  /// Codes of 8 bits have no place in AWQ; minima between the zero points of GPTQ need consent; an
  /// output that stands there stays.
  @Test func whatCannotBeWrittenIsSaid() async throws {
    let (eight, minima) = (path("eight"), path("minima"))
    let model = Self.fixtures.appending(path: "gptq_8bit_g64").path
    try await run(["quantize", model, "--keep-codes", "-o", eight])
    let blocks = Self.fixtures.appending(path: "gguf/q4_1.gguf").path
    try await run(["quantize", blocks, "--keep-codes", "-o", minima])
    let awq = try await run(
      ["export", eight, "--format", "awq", "-o", path("out"), "--lossy"], status: 65)
    #expect(awq.contains("4 bits"))
    let export = ["export", minima, "--format", "gptq", "-o", path("out")]
    let gptq = try await run(export, status: 65)
    #expect(gptq.contains("would change") && gptq.contains("--lossy"))
    #expect(try folder.contents == ["eight", "minima"])
    try await run(export + ["--lossy"])
    try await run(export + ["--lossy"], status: 73)
    #expect(try folder.contents == ["eight", "minima", "out"])
  }

  /// A model that is no base, and one whose codes are of a kind that nobody here reads.
  @Test func modelsWithoutCodesAreNamed() async throws {
    let dense = Program.root.appending(path: "Tests/DecoderModelTests/Fixtures/dense_f16").path
    let errors = try await run(
      ["export", dense, "--format", "gptq", "-o", path("out")], status: 66)
    #expect(errors.contains("peqa quantize"))
    let model = path("model")
    try FileManager.default.copyItem(
      at: Self.fixtures.appending(path: "gptq_4bit_g32"), to: folder.file("model"))
    let config = try String(contentsOf: folder.file("model/config.json"), encoding: .utf8)
    try folder.write(
      config.replacingOccurrences(of: #""quant_method": "gptq""#, with: #""quant_method": "hqq""#),
      to: "model/config.json")
    for command in [["quantize", model, "--keep-codes", "-o", path("base")], ["eval", model]] {
      let text = command[0] == "eval" ? ["--perplexity", model + "/config.json"] : []
      let refused = try await run(command + text, status: 65)
      #expect(refused.contains("\"hqq\"") && refused.contains("gptqmodel"))
    }
    #expect(try folder.contents == ["model"])
  }
}
