import Foundation
import TestSupport
import Testing

/// What a run file says of the base must be true.
@Suite struct BaseRequirementTests {
  private func dryRun(_ settings: [String]) async throws -> Program.Output {
    let folder = try TemporaryFolder()
    return try await Program.run(
      ["train", try folder.runFile(""), "--output-dir", folder.path + "/out", "--dry-run"]
        + settings)
  }

  @Test func whatIsTrueIsTaken() async throws {
    let result = try await dryRun([
      "--bits", "4", "--group-size=-1", "--sym", "false", "--method", "rtn",
    ])
    #expect(result.status == 0, "\(result.standardError)")
  }

  @Test func whatIsNotIsNamed() async throws {
    let result = try await dryRun([
      "--bits", "3", "--group-size", "64", "--sym", "true", "--method", "gptq",
    ])
    #expect(result.status == 78, "\(result.standardError)")
    for text in ["bits is 3", "group_size is 64", "sym is true", "method is gptq"] {
      #expect(result.standardError.contains("\(text), but \(Program.base) has"))
    }
    #expect(result.standardError.contains("has rtn. Make another base with peqa quantize"))
  }

  /// A run never quantizes.
  @Test func fullPrecisionIsNoBase() async throws {
    let model = Program.root.path + "/Tests/DecoderModelTests/Fixtures/dense_llama"
    let result = try await dryRun(["--model", model])
    #expect(result.status == 65, "\(result.standardError)")
    #expect(result.standardError.contains("peqa quantize \(model) --output BASE"))
  }
}
