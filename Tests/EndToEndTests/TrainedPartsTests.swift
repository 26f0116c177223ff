import Foundation
import TestSupport
import Testing

/// Training of chosen layers, and of factors of scales, by the program.
@Suite struct TrainedPartsTests {
  private static let grouped =
    Program.root.path + "/Tests/DecoderModelTests/Fixtures/llama_3bit_g32"
  private let folder: TemporaryFolder
  private let runFile: String

  init() throws {
    folder = try TemporaryFolder()
    runFile = try folder.runFile(
      """
      max_steps: 6
      val_set_size: 0
      learning_rate: 2e-2
      warmup_steps: 1
      save_steps: 3
      """)
  }

  private func run(
    _ output: String, ranks: Int? = nil, _ more: [String]
  ) async throws -> Program.Output {
    try await Program.run(
      ["train", runFile, "--model", Self.grouped, "--output-dir", folder.file(output).path]
        + more, ranks: ranks)
  }

  private func train(_ output: String, ranks: Int? = nil, _ more: [String]) async throws -> Data {
    let result = try await run(output, ranks: ranks, more)
    #expect(result.status == 0, "\(more): \(result.standardError)")
    return try Data(contentsOf: folder.file("\(output)/adapter_model.safetensors"))
  }

  /// Alone, on two ranks, and cut on two ranks and gone on with alone: the same adapter, which
  /// evaluates.
  @Test(arguments: [
    ["--scale-granularity", "row+column", "--scale-rank", "2"],
    ["--scale-granularity", "row+column"],
    ["--scale-granularity", "group", "--target-modules", "q_proj,layers.1.mlp"],
  ])
  func ranksAndStopsDoNotShow(more: [String]) async throws {
    let alone = try await train("alone", more)
    #expect(try await train("two", ranks: 2, more) == alone)
    let cut = try await run("cut", ranks: 2, more + ["--max-wall-time", "1e-9"])
    #expect(cut.status == 75, "\(cut.standardError)")
    #expect(try await train("cut", more) == alone)
    try folder.write(String(repeating: "Line 1: counts sheep.\n", count: 20), to: "text.txt")
    let evaluation = [
      "eval", Self.grouped, "--adapter", folder.file("alone").path, "--perplexity",
      folder.file("text.txt").path, "--max-length", "24",
    ]
    let result = try await Program.run(evaluation)
    #expect(result.status == 0, "\(result.standardError)")
  }

  @Test func otherPartsAreAnotherRun() async throws {
    _ = try await train("run", ["--target-modules", "q_proj", "--max-steps", "3"])
    let other = try await run("run", ["--target-modules", "k_proj"])
    #expect(other.status != 0)
    #expect(other.standardError.contains("target_modules"), "\(other.standardError)")
  }

  @Test(arguments: [
    (["--target-modules", "nothing_proj"], "fits no layer"),
    (["--scale-granularity", "group", "--scale-rank", "1"], "scale_rank"),
    (["--scale-granularity", "row+column", "--scale-param", "absolute"], "scale_param"),
    (["--model", Program.base, "--scale-granularity", "row+column"], "needs groups"),
  ])
  func whatCannotBeIsRefused(more: [String], words: String) async throws {
    let result = try await run("none", more)
    #expect(result.status == 78, "\(result.standardError)")
    #expect(result.standardError.contains(words), "\(result.standardError)")
  }
}
