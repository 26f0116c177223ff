import Foundation
import JSONText
import Testing

/// Benchmarks as a user starts them, on a model of some thousand weights: what they say, not how
/// fast.
@Suite(.serialized) struct BenchCommandTests {
  private static let shape = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent()
    .appendingPathComponent("DecoderModelTests/Fixtures/llama_4bit_row/config.json").path

  private func json(_ arguments: [String]) throws -> JSONValue {
    let (code, output, errors) = try CommandLineTests().run(["bench"] + arguments)
    #expect(code == 0, "\(errors)")
    return try JSONValue(parsing: Array(output.utf8))
  }

  /// The members that measurement scripts read.
  @Test func blockSaysItsSpeed() throws {
    let result = try json([
      "block", "--shape", Self.shape, "--bits", "4", "--group-size", "-1", "--scale-granularity",
      "row", "--length", "16", "--threads", "1", "--repetitions", "2", "--json",
    ])
    for key in ["tokens_per_second_median", "gflops", "share_of_peak", "peak_fp32_gflops"] {
      #expect(try #require(result[key]?.double) > 0, "\(key)")
    }
    #expect(result["length"]?.int == 16 && result["threads"]?.int == 1)
  }

  @Test func stepOfASyntheticBaseLeavesNothingBehind() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("peqa-bench-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let arguments = [
      "bench", "step", "--synthetic", Self.shape, "--bits", "3", "--group-size", "64", "--batch",
      "2", "--length", "8", "--repetitions", "1", "--threads", "1", "--json",
    ]
    let (code, output, errors) = try CommandLineTests().run(
      arguments, environment: ["TMPDIR": folder.path])
    #expect(code == 0, "\(errors)")
    let result = try JSONValue(parsing: Array(output.utf8))
    for key in ["tokens_per_second_median", "peak_private_mb", "planned_private_mb"] {
      #expect(try #require(result[key]?.double) > 0, "\(key)")
    }
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(left.isEmpty)
  }

  /// The plan against the kernel's count of a process that takes one step: within 10 %.
  @Test(arguments: [
    [], ["--no-gradient-checkpointing", "--scale-granularity", "group", "--group-size", "64"],
    ["--micro-batch-size", "2", "--length", "64"],
  ])
  func memoryIsAsPlanned(arguments: [String]) throws {
    // A small vocabulary: the output matrix would take nearly all the time.
    let shape = [
      "--synthetic", "smollm2-135m", "--layers", "6", "--vocabulary", "4096", "--batch", "2",
    ]
    let (code, output, errors) = try CommandLineTests().run(
      ["bench", "memory", "--check"] + shape + arguments)
    #expect(code == 0, "\(errors)\n\(output)")
    #expect(output.contains("memory_measured_by_planned"))
  }

  @Test(arguments: [
    ["step"], ["step", "BASE", "--bits", "4"], ["block", "--bits", "4,x"],
    ["kernels", "--bits", "7"], ["block", "--limit", "width_marginal_cost: 2"],
  ])
  func usageErrors(arguments: [String]) throws {
    let (code, _, errors) = try CommandLineTests().run(["bench"] + arguments)
    #expect(code == 64)
    #expect(errors.contains("Usage: peqa bench"))
  }
}
