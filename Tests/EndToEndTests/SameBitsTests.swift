import Foundation
import TestSupport
import Testing

/// The promise of exact sums: the adapter does not depend on ranks or threads. (Nor on
/// interruptions: see `KillTests`.)
@Suite(.serialized) struct SameBitsTests {
  let folder: TemporaryFolder
  let runFile: String

  init() throws {
    folder = try TemporaryFolder()
    runFile = try folder.runFile(
      """
      val_set_size: 0
      max_steps: 16
      learning_rate: 5e-3
      warmup_steps: 2
      save_steps: 8
      logging_steps: 1
      """)
  }

  private func adapter(_ output: String) throws -> Data {
    try Data(contentsOf: folder.file("\(output)/adapter_model.safetensors"))
  }

  private func train(
    _ output: String, ranks: Int? = nil, threads: Int = 1, _ more: [String] = []
  ) async throws -> Data {
    let result = try await Program.run(
      ["train", runFile, "--output-dir", folder.file(output).path] + more, ranks: ranks,
      threads: threads)
    #expect(result.status == 0, "\(result.standardError)")
    return try adapter(output)
  }

  @Test func ranksAndThreadsGiveTheSameAdapter() async throws {
    let alone = try await train("alone")
    for (ranks, threads) in [(nil, 2), (2, 2), (3, 1), (4, 1)] {
      let other = try await train("r\(ranks ?? 0)t\(threads)", ranks: ranks, threads: threads)
      #expect(other == alone, "\(ranks ?? 0) ranks, \(threads) threads")
    }
    // The first idle rank takes the next sequence. (The flag's and the value's former names.)
    #expect(try await train("dynamic", ranks: 3, ["--work", "stealing"]) == alone)
    // Sums of 4 bytes have other last bits, but also the same on any ranks.
    let narrow = try await train("n", ["--gradient-sum", "narrow"])
    let state = try Data(contentsOf: folder.file("n/checkpoint-16/optimizer.safetensors"))
    #expect(state.range(of: Data("sum_fraction_bits".utf8)) != nil)
    for (ranks, schedule) in [(2, "dynamic"), (3, "static")] {
      let other = try await train(
        "n\(ranks)", ranks: ranks, ["--gradient-sum", "narrow", "--schedule", schedule])
      #expect(other == narrow, "\(ranks) ranks, narrow, \(schedule)")
    }
    // A run that had learned nothing would pass the above.
    let untrained = try await train("zero", ["--max-steps", "1", "--learning-rate", "0"])
    #expect(untrained != alone)
  }

  /// One scale a row, killed by the time limit and resumed on other ranks. (Groups: `FamilyTests`.)
  @Test(arguments: ["qwen3_4bit_row", "smollm3_4bit_row"])
  func familiesTrainAndResume(name: String) async throws {
    let base = ["--model", "\(Program.root.path)/Tests/DecoderModelTests/Fixtures/\(name)"]
    let alone = try await train("\(name)-alone", base)
    let result = try await Program.run(
      [
        "train", runFile, "--output-dir", folder.file("\(name)-cut").path, "--max-wall-time",
        "1e-9",
      ]
        + base, ranks: 3, threads: 1)
    #expect(result.status == 75, "\(result.standardError)")
    #expect(try await train("\(name)-cut", ranks: 2, threads: 2, base) == alone)
  }

  @Test func clusterFileStartsRanks() async throws {
    let alone = try await train("alone", ["--max-steps", "5"])
    let output = folder.file("cluster").path
    let ran = try await Program.aside { [runFile] in
      try Program.run(
        program: Program.root.appending(path: "launch/mpirun-train").path,
        [
          "-c", Program.root.appending(path: "clusterconfigs/laptop.yaml").path, runFile,
          "--output-dir", output, "--max-steps", "5",
        ])
    }
    #expect(ran.status == 0, "\(ran.standardError)")
    #expect(try adapter("cluster") == alone)
  }
}
