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
    let text = try writtenText()
    let path = Self.fixtures.appending(path: model).path
    let result = try await Program.run(
      [
        "quantize", path, "--output", folder.file(name).path, "--calibration", text,
        "--calibration-length", "24", "--calibration-sequences", "12",
      ] + arguments, ranks: ranks, threads: threads)
    #expect(result.status == 0, "\(model): \(result.standardError)")
    return try JSONValue(
      parsing: String(contentsOf: folder.file("\(name)/peqa_base.json"), encoding: .utf8))
  }

  private func writtenText() throws -> String {
    let text = (0..<200).map { "Line \($0): the quick brown fox counts \($0 * 7 % 11) sheep.\n" }
    try folder.write(text.joined(), to: "calibration.txt")
    return folder.file("calibration.txt").path
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

  /// Who says nothing but bits gets calibrated codes where bits are few, on any number of ranks.
  @Test func fewBitsAreCalibratedUnasked() async throws {
    func make(_ name: String, _ arguments: [String], ranks: Int = 1) async throws -> JSONValue {
      let path = Self.fixtures.appending(path: "dense_llama").path
      let result = try await Program.run(
        ["quantize", path, "--output", folder.file(name).path] + arguments, ranks: ranks)
      #expect(result.status == 0, "\(result.standardError)")
      return try JSONValue(
        parsing: String(contentsOf: folder.file("\(name)/peqa_base.json"), encoding: .utf8))
    }
    let three = try await make("three", ["--bits", "3"])
    #expect(three["method"]?.string == "gptq")
    let calibration = three["quality"]?["calibration"]
    #expect(calibration?["text"]?.string == "built-in text")
    // The model takes fewer positions than the usual 512.
    #expect(calibration?["length"]?.int == 64)
    _ = try await make("ranks", ["--bits", "3"], ranks: 2)
    #expect(try weights("ranks") == weights("three"))
    let eight = try await make("eight", ["--bits", "8"])
    #expect(eight["method"]?.string == "rtn" && eight["quality"]?["calibration"] == nil)
    let tooLong = try await Program.run([
      "quantize", Self.fixtures.appending(path: "dense_llama").path, "--output",
      folder.file("none").path, "--calibration-length", "65",
    ])
    #expect(tooLong.status == 78 && tooLong.standardError.contains("takes 64"))
  }

  // MARK: - Bits by layer

  /// Bytes of the smallest and the largest base, as the program says where the size is too small.
  private func range() async throws -> (least: Int, largest: Int) {
    let result = try await Program.run([
      "quantize", Self.fixtures.appending(path: "dense_llama").path, "--output",
      folder.file("none").path, "--bits", "auto", "--size", "1KB", "--calibration",
      try writtenText(),
    ])
    #expect(result.status == 78, "\(result.standardError)")
    let text = result.standardError
    let least = try #require(text.firstMatch(of: /takes (\d+)\./)).1
    let largest = try #require(text.firstMatch(of: /above (\d+) bytes/)).1
    return (try #require(Int(least)), try #require(Int(largest)))
  }

  /// As large as the size allows, better with more bytes, the same on any number of ranks.
  ///
  /// The weights of this model lie on grids of 4 bits, so that no byte beyond those changes
  /// anything, and none is taken; sizes below are of interest.
  @Test(arguments: ["gptq", "diagonal"])
  func bitsByLayerFitTheSize(method: String) async throws {
    let range = try await range()
    let form = ["--bits", "auto", "--method", method, "--size"]
    func loss(_ manifest: JSONValue) throws -> Double {
      try #require(manifest["quality"]?["held_out"]?["divergence"]?.double)
    }
    let best = try await quantize("dense_llama", "largest", form + ["\(range.largest)"])
    let enough = try weights("largest").count
    #expect(enough < range.largest - 2048)
    let middle = (range.least + enough) / 2
    let manifest = try await quantize("dense_llama", "alone", form + ["\(middle)"])
    // One step of a layer of 40 rows from 4 to 8 bits takes 1280 bytes, and a shorter header.
    let bytes = try weights("alone").count
    #expect(bytes <= middle && bytes > middle - 2048, "\(bytes) of \(middle)")
    #expect(manifest["version"]?.int == 2)
    #expect((manifest["grids"]?.members ?? []).count > 0)
    #expect(manifest["quality"]?["choice"]?["size"]?.int == middle)
    for (ranks, threads) in [(1, 2), (2, 1), (3, 2)] {
      let name = "\(ranks)-\(threads)"
      let other = try await quantize(
        "dense_llama", name, form + ["\(middle)"], ranks: ranks, threads: threads)
      #expect(try weights(name) == weights("alone"), "\(name)")
      #expect(other == manifest, "\(name)")
    }
    let worst = try await quantize("dense_llama", "least", form + ["\(range.least)"])
    #expect(try weights("least").count <= range.least)
    let losses = try [worst, manifest, best].map(loss)
    #expect(losses[0] > losses[1] && losses[1] > losses[2] && losses[2] < 1e-6, "\(losses)")
  }

  /// A base of many forms is read, trained and handed on like any other.
  @Test func aMixedBaseIsTrained() async throws {
    let middle = try await range().least + 8000
    _ = try await quantize(
      "dense_llama", "base", ["--bits", "auto", "--size", "\(middle)"])
    let base = folder.file("base").path
    let run = try folder.runFile(
      "max_steps: 4\nval_set_size: 0\nlearning_rate: 2e-2\nwarmup_steps: 1\n")
    func output(_ arguments: [String], ranks: Int? = nil) async throws -> String {
      let result = try await Program.run(arguments, ranks: ranks)
      #expect(result.status == 0, "\(arguments): \(result.standardError)")
      return result.standardOutput
    }
    func loss(_ task: [String]) async throws -> Double {
      let text = try await output(
        ["eval", base, "--perplexity", folder.file("text.txt").path, "--max-length", "24"]
          + ["--windows", "20", "--json"] + task)
      return try #require(JSONValue(parsing: text)["loss"]?.double)
    }
    let plain = try await loss([])
    for granularity in ["row", "group"] {
      var adapters: [Data] = []
      for ranks in [1, 2] {
        let adapter = folder.file("\(granularity)\(ranks)")
        _ = try await output(
          ["train", run, "--model", base, "--max-seq-length", "48", "--output-dir"]
            + [adapter.path, "--scale-granularity", granularity], ranks: ranks)
        adapters.append(
          try Data(contentsOf: adapter.appending(path: "adapter_model.safetensors")))
      }
      #expect(adapters[0] == adapters[1])
      #expect(try await loss(["--adapter", folder.file("\(granularity)1").path]) < plain)
    }
    let facts = try await output(["inspect", base, "--json"])
    #expect(try (JSONValue(parsing: facts)["layers"]?.members ?? []).count > 1)
    _ = try await output([
      "export", base, "--format", "hf", "--dtype", "fp32", "-o", folder.file("dense").path,
    ])
  }

  /// The choice is printed and nothing is written.
  @Test func aDryRunChooses() async throws {
    let size = try await range().largest
    let result = try await Program.run([
      "quantize", Self.fixtures.appending(path: "dense_llama").path, "--output",
      folder.file("none").path, "--bits", "auto", "--size", "\(size)", "--dry-run", "--json",
      "--calibration", try writtenText(), "--calibration-length", "24",
    ])
    #expect(result.status == 0, "\(result.standardError)")
    let json = try JSONValue(parsing: result.standardOutput)
    #expect(try #require(json["base_bytes"]?.int) <= size)
    #expect(json["choice"]?["size"]?.int == size)
    #expect((json["forms"]?.array ?? []).count > 0)
    #expect(!FileManager.default.fileExists(atPath: folder.file("none").path))
  }

  @Test(
    arguments: [
      ["--bits", "auto"], ["--size", "1GB"],
      ["--bits", "auto", "--size", "much", "--calibration", "text.txt"],
      ["--bits", "auto", "--size", "0", "--calibration", "text.txt"],
      ["--bits", "auto", "--size", "1GB", "--calibration", "text.txt", "--method", "rtn"],
      ["--bits", "auto", "--size", "1GB", "--calibration", "text.txt", "--keep-codes"],
      ["--bits", "four"],
    ])
  func sizesThatDoNotFitAreRefused(arguments: [String]) async throws {
    let result = try await Program.run(
      ["quantize", Self.fixtures.appending(path: "dense_llama").path, "--output"]
        + [folder.file("none").path] + arguments)
    #expect(result.status == 64, "\(arguments): \(result.standardError)")
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
