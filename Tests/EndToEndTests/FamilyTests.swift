import Foundation
import JSONText
import TestSupport
import Testing

/// Every family by the program, from a published directory to an answer of the tuned base. The
/// directories and the perplexities are transformers' (make_families.py).
@Suite struct FamilyTests {
  /// They mostly wait for mpirun, so two take turns with each other.
  private static let turnstile = Turnstile(places: 2)

  private static let fixtures = Program.root.appending(
    path: "Tests/DecoderModelTests/Fixtures")

  static let names: [String] = {
    let all = (try? FileManager.default.contentsOfDirectory(atPath: fixtures.path)) ?? []
    return all.filter { name in
      let golden = try? Data(contentsOf: fixtures.appending(path: "\(name)/golden.json"))
      return name.hasPrefix("dense_") && golden?.range(of: Data("perplexity".utf8)) != nil
    }.sorted()
  }()

  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func run(_ arguments: [String], ranks: Int? = nil, status: Int32 = 0) async throws
    -> String
  {
    let result = try await Program.run(arguments, ranks: ranks)
    #expect(result.status == status, "\(arguments): \(result.standardError)")
    return result.standardOutput
  }

  private func path(_ name: String) -> String { folder.file(name).path }

  @Test(arguments: names)
  func evaluatedQuantizedTrainedResumedGenerated(name: String) async throws {
    try await Self.turnstile.pass { try await wholeWay(name) }
  }

  private func wholeWay(_ name: String) async throws {
    let model = Self.fixtures.appending(path: name)
    try await evaluate(model)
    _ = try await run(["quantize", model.path, "--output", path("base"), "--group-size", "32"])
    // Its sequences end at twice its 12 positions.
    let length = name == "dense_llama_dynamic" ? 24 : 48
    let alone = try await train("alone", length)
    _ = try await run(
      arguments("cut", length) + ["--max-wall-time", "1e-9"], ranks: 2, status: 75)
    #expect(try await train("cut", length) == alone, "resumed on other ranks")
    let task = ["--adapter", path("alone")]
    let (tuned, plain) = (try await loss(task), try await loss([]))
    #expect(tuned < plain, "what was learned")
    let answer = try await run(
      ["generate", path("base"), "--prompt", "Line 3: the", "--max-new-tokens", "12"] + task)
    #expect(!answer.isEmpty)
  }

  private func evaluate(_ model: URL) async throws {
    let golden = try JSONValue(
      parsing: String(contentsOf: model.appending(path: "golden.json"), encoding: .utf8))
    let text = try #require(golden["text"]?["text"]?.string)
    try folder.write(text, to: "text.txt")
    let output = try await run([
      "eval", model.path, "--perplexity", path("text.txt"), "--max-length", "64", "--dtype",
      "fp32", "--json",
    ])
    let result = try JSONValue(parsing: output)
    #expect(result["tokens"]?.int == golden["text"]?["tokens"]?.int)
    let perplexity = try #require(result["perplexity"]?.double)
    let expected = try #require(golden["text"]?["perplexity"]?.double)
    #expect(abs(perplexity - expected) < 1e-4 * expected)
  }

  /// Of the base over the text of the run.
  private func loss(_ task: [String]) async throws -> Double {
    let output = try await run(
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

  private func train(_ output: String, _ length: Int) async throws -> Data {
    _ = try await run(arguments(output, length))
    return try Data(contentsOf: folder.file("\(output)/adapter_model.safetensors"))
  }
}

/// Lets so many through at a time.
private actor Turnstile {
  private var free: Int
  private var waiting: [CheckedContinuation<Void, Never>] = []

  init(places: Int) { free = places }

  nonisolated func pass(_ body: () async throws -> Void) async throws {
    await enter()
    do { try await body() } catch {
      await leave()
      throw error
    }
    await leave()
  }

  private func enter() async {
    if free > 0 {
      free -= 1
    } else {
      await withCheckedContinuation { waiting.append($0) }
    }
  }

  private func leave() {
    if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
  }
}
