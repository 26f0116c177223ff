import Foundation
import JSONText
import TestSupport
import Testing

/// What of a base is trained, by the program: some layers, numbers of rows and columns, zero
/// points. The same bits on any ranks and after a stop, and an adapter that every command takes.
@Suite(.serialized) struct TrainedPartsTests {
  private static let fixtures = Program.root.appending(path: "Tests/DecoderModelTests/Fixtures")

  private let folder: TemporaryFolder
  private let runFile: String

  init() throws {
    folder = try TemporaryFolder()
    runFile = try folder.runFile(
      """
      val_set_size: 0
      max_steps: 6
      learning_rate: 1e-2
      warmup_steps: 1
      save_steps: 3
      """)
  }

  private func path(_ name: String) -> String { folder.file(name).path }

  @discardableResult
  private func run(
    _ arguments: [String], ranks: Int? = nil, threads: Int = 1, status: Int32 = 0
  ) async throws -> String {
    let result = try await Program.run(arguments, ranks: ranks, threads: threads)
    #expect(result.status == status, "\(arguments): \(result.standardError)")
    return status == 0 ? result.standardOutput : result.standardError
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let base: String
    let settings: [String]
    /// A setting with which the run may not go on.
    let other: [String]
    var testDescription: String { "\(base) \(settings)" }

    var model: String { TrainedPartsTests.fixtures.appending(path: base).path }
  }

  static let cases = [
    Case(
      base: "llama_4bit_row", settings: ["--target-modules", "q_proj,layers.1.mlp"],
      other: ["--target-modules", "q_proj,layers.1"]),
    Case(
      base: "llama_3bit_g32",
      settings: ["--scale-granularity", "row+column", "--scale-rank", "2"],
      other: ["--scale-granularity", "row+column", "--scale-rank", "1"]),
    Case(
      base: "llama_3bit_g32",
      settings: [
        "--scale-granularity", "row+column", "--target-modules", "down_proj", "--gradient-sum",
        "narrow",
      ], other: ["--scale-granularity", "group", "--target-modules", "down_proj"]),
    Case(
      base: "llama_3bit_g32",
      settings: ["--scale-granularity", "group", "--train-zero-points", "true"],
      other: ["--scale-granularity", "group"]),
    Case(
      base: "llama_4bit_row",
      settings: ["--train-zero-points", "true", "--target-modules", "mlp.*"],
      other: ["--target-modules", "mlp.*"]),
  ]

  @Test(arguments: cases)
  func trainedResumedAndUsed(_ one: Case) async throws {
    func train(_ output: String) -> [String] {
      ["train", runFile, "--model", one.model, "--output-dir", path(output)]
    }
    func adapter(_ output: String) throws -> Data {
      try Data(contentsOf: folder.file("\(output)/adapter_model.safetensors"))
    }
    try await run(train("alone") + one.settings)
    let alone = try adapter("alone")
    try await run(train("ranks") + one.settings, ranks: 2, threads: 2)
    #expect(try adapter("ranks") == alone)

    let limit = ["--max-wall-time", "1e-9"]
    try await run(train("cut") + one.settings + limit, ranks: 2, status: 75)
    let refused = try await run(train("cut") + one.other, status: 78)
    #expect(refused.contains("the checkpoint has"))
    try await run(train("cut") + one.settings, ranks: 3)
    #expect(try adapter("cut") == alone)

    try await use(one, adapter: path("alone"))
  }

  /// Evaluated, generated with, compared and combined with its base, exported.
  private func use(_ one: Case, adapter: String) async throws {
    func loss(_ model: String, _ task: [String]) async throws -> Double {
      let output = try await run(
        ["eval", model, "--perplexity", path("text.txt"), "--max-length", "48", "--windows", "6"]
          + ["--dtype", "fp32", "--json"] + task)
      return try #require(JSONValue(parsing: output)["loss"]?.double)
    }
    let tuned = try await loss(one.model, ["--adapter", adapter])
    #expect(try await loss(one.model, []) > tuned + 1e-3)
    let answer = try await run([
      "generate", one.model, "--adapter", adapter, "--prompt", "Line 3: the",
      "--max-new-tokens", "6",
    ])
    #expect(!answer.isEmpty)
    try await run(["inspect", adapter])

    try await run([
      "adapter", "interpolate", one.model, adapter, "--fraction", "1", "--output", path("same"),
    ])
    #expect(try await loss(one.model, ["--adapter", path("same")]) == tuned)
    let difference = try JSONValue(
      parsing: try await run(["adapter", "diff", one.model, adapter, "--json"]))
    #expect(difference["identical"]?.bool == false)

    try await run(
      ["export", one.model, "--adapter", adapter, "--format", "hf", "--dtype", "fp32"]
        + ["--lossy", "-o", path("dense")])
    #expect(abs(try await loss(path("dense"), []) - tuned) < 1e-5 * tuned)
  }

  /// Zero points have an exact place in MLX's biases and none among the integers of GPTQ.
  @Test func zeroPointsAreExported() async throws {
    // MLX wants groups that divide the columns: 64 and 192 here.
    let model = Program.root.appending(path: "Tests/InterchangeTests/Fixtures/awq_4bit_g32").path
    let base = path("base")
    try await run(["quantize", model, "--output", base, "--method", "rtn", "--group-size", "32"])
    try await run([
      "train", runFile, "--model", base, "--output-dir", path("task"), "--scale-granularity",
      "group", "--train-zero-points", "true",
    ])
    let export = ["export", base, "--adapter", path("task"), "--json"]
    let mlx = try JSONValue(
      parsing: try await run(export + ["--format", "mlx", "-o", path("mlx")]))
    #expect(mlx["exact"]?.bool == true && mlx["largest_difference"]?.double == 0)
    let gptq = try await run(export + ["--format", "gptq", "-o", path("gptq")], status: 65)
    #expect(gptq.contains("would change") && gptq.contains("--lossy"))
    let rounded = try JSONValue(
      parsing: try await run(export + ["--format", "gptq", "--lossy", "-o", path("gptq")]))
    #expect(rounded["exact"]?.bool == false)
    let alone = try await run(
      ["export", base, "--adapter", path("task"), "--format", "gptq", "--adapter-only", "--lossy"]
        + ["-o", path("scales.safetensors")], status: 65)
    #expect(alone.contains("zero points"))
  }

  @Test func whatCannotBeTrainedIsSaid() async throws {
    func refusal(_ base: String, _ settings: [String]) async throws -> String {
      let model = Self.fixtures.appending(path: base).path
      return try await run(
        ["train", runFile, "--model", model, "--output-dir", path("no")] + settings, status: 78)
    }
    let unknown = try await refusal("llama_4bit_row", ["--target-modules", "q_proj,qproj"])
    #expect(unknown.contains("\"qproj\" fits no layer; there are self_attn.q_proj"))
    let columns = try await refusal("llama_4bit_row", ["--scale-granularity", "row+column"])
    #expect(columns.contains("row+column needs groups"))
    let rank = try await refusal(
      "llama_3bit_g32", ["--scale-granularity", "group", "--scale-rank", "1"])
    #expect(rank.contains("scale_rank"))
    let absolute = try await refusal(
      "llama_3bit_g32", ["--scale-granularity", "row+column", "--scale-param", "absolute"])
    #expect(absolute.contains("scale_param"))
    let zeros = try await refusal("llama_3bit_g32", ["--train-zero-points", "true"])
    #expect(zeros.contains("scale_granularity"))
    #expect(try folder.contents.contains("no") == false)
  }

  /// The plan of a run says what is exchanged.
  @Test func plansCountTheNumbers() async throws {
    let model = Self.fixtures.appending(path: "llama_3bit_g32").path
    let settings = ["--scale-granularity", "row+column", "--scale-rank", "1"]
    let dry = try JSONValue(
      parsing: try await run(
        ["train", runFile, "--model", model, "--output-dir", path("dry"), "--dry-run", "--json"]
          + settings))
    let plan = try JSONValue(
      parsing: try await run(
        ["plan", runFile, "--model", model, "--core-gflops", "10", "--json", "--set"]
          + ["scale_granularity=row+column", "--set", "scale_rank=1", "--set", "output_dir=x"]))
    // Rows and groups of the fixture's seven kinds, in two layers, twice.
    let ends = 2 * (64 + 2) + 2 * (32 + 2) + 2 * (160 + 2) + 64 + 5
    #expect(dry["trained_scales"]?.int == 2 * 2 * ends)
    #expect(plan["trained_scales"]?.int == 2 * 2 * ends)
    let stored = 2 * (2 * 64 * 2 + 2 * 32 * 2 + 2 * 160 * 2 + 64 * 5)
    #expect(dry["adapter_numbers"]?.int == stored && plan["adapter_numbers"]?.int == stored)
    let words = try await run([
      "plan", runFile, "--model", model, "--core-gflops", "10", "--set",
      "scale_granularity=row+column", "--set", "output_dir=x",
    ])
    #expect(words.contains("scale_granularity: row+column"))
  }
}
