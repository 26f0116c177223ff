import Foundation
import JSONText
import TestSupport
import Testing

/// Codes that know the layers' inputs, by the program.
@Suite struct CalibrationTests {
  private static let fixtures = Program.root.appending(
    path: "Tests/DecoderModelTests/Fixtures")
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func quantize(
    _ model: String, _ name: String, _ arguments: [String], ranks: Int? = nil, threads: Int = 1
  ) async throws -> JSONValue {
    let text = (0..<200).map { "Line \($0): the quick brown fox counts \($0 * 7 % 11) sheep.\n" }
    try folder.write(text.joined(), to: "text.txt")
    let path = Self.fixtures.appending(path: model).path
    let result = try await Program.run(
      [
        "quantize", path, "--output", folder.file(name).path, "--calibration",
        folder.file("text.txt").path, "--calibration-length", "24", "--calibration-sequences",
        "12",
      ] + arguments, ranks: ranks, threads: threads)
    #expect(result.status == 0, "\(model): \(result.standardError)")
    return try JSONValue(
      parsing: String(contentsOf: folder.file("\(name)/peqa_base.json"), encoding: .utf8))
  }

  private func weights(_ name: String) throws -> Data {
    try Data(contentsOf: folder.file("\(name)/base.safetensors"))
  }

  /// The base has the same bytes, its manifest too, on any number of ranks and threads.
  @Test(arguments: ["gptq", "blockwise"])
  func ranksAndThreadsDoNotShow(method: String) async throws {
    let form = ["--method", method, "--bits", "3", "--group-size", "32"]
    let alone = try await quantize("dense_llama", "alone", form)
    for (ranks, threads) in [(1, 2), (2, 1), (3, 2)] {
      let name = "\(ranks)-\(threads)"
      let other = try await quantize(
        "dense_llama", name, form, ranks: ranks, threads: threads)
      #expect(try weights(name) == weights("alone"), "\(name)")
      #expect(other == alone, "\(name)")
    }
  }

  /// At 8 bits hardly anything is lost, whatever the block: each stage feeds the next with what the
  /// block itself would have computed. A stage left out or in the wrong place costs far more than
  /// the 0.01 nats that are allowed here.
  @Test(arguments: FamilyTests.names)
  func everyFamilyKeepsItsPredictions(name: String) async throws {
    let manifest = try await quantize(name, name, ["--method", "gptq", "--bits", "8"])
    let heldOut = try #require(manifest["quality"]?["held_out"])
    let divergence = try #require(heldOut["divergence"]?.double)
    #expect(divergence >= -1e-6 && divergence < 0.01, "\(name): \(divergence)")
    let coarse = try await quantize(
      name, name + "3", ["--method", "diagonal", "--bits", "3", "--group-size", "32"])
    let more = try #require(coarse["quality"]?["held_out"]?["divergence"]?.double)
    #expect(more > divergence)
  }

  @Test func aTextThatIsTooShortIsNamed() async throws {
    try folder.write("short", to: "short.txt")
    let result = try await Program.run([
      "quantize", Self.fixtures.appending(path: "dense_llama").path, "--output",
      folder.file("none").path, "--calibration", folder.file("short.txt").path,
    ])
    #expect(result.status == 65)
    #expect(result.standardError.contains("calibration text has"))
    #expect(!FileManager.default.fileExists(atPath: folder.file("none").path))
  }
}
