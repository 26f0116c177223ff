import Foundation
import JSONText
import TestSupport
import Testing

/// Learning from a teacher: the same adapter on any ranks, from answers that are made once.
@Suite(.serialized) struct DistillationTests {
  let folder: TemporaryFolder
  let runFile: String

  /// Of the same shape and tokenizer as the base that learns, with other weights.
  private static let fixtures = Program.root.path + "/Tests/DecoderModelTests/Fixtures/"

  /// 210 sequences of 96 tokens are met: two files of answers.
  init() throws {
    folder = try TemporaryFolder()
    runFile = try folder.runFile(
      """
      objective: distill
      teacher: \(Self.fixtures)llama_8bit_g128
      distill_weight: 0.7
      distill_temperature: 2
      distill_top_k: 8
      distill_hidden_weight: 0.1
      val_set_size: 10
      max_steps: 30
      learning_rate: 5e-3
      save_steps: 10
      logging_steps: 1
      """)
  }

  private func run(
    _ output: String, ranks: Int? = nil, threads: Int = 1, cache: String = "cache",
    _ more: [String] = []
  ) async throws -> Program.Output {
    try await Program.run(
      [
        "train", runFile, "--output-dir", folder.file(output).path, "--dataset-cache",
        folder.file(cache).path,
      ] + more, ranks: ranks, threads: threads)
  }

  private func train(
    _ output: String, ranks: Int? = nil, threads: Int = 1, cache: String = "cache",
    _ more: [String] = []
  ) async throws -> Data {
    let result = try await run(output, ranks: ranks, threads: threads, cache: cache, more)
    #expect(result.status == 0, "\(result.standardError)")
    return try Data(contentsOf: folder.file("\(output)/adapter_model.safetensors"))
  }

  /// Names and bytes of the files of answers.
  private func answers(_ cache: String) throws -> [String: Data] {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.file(cache).path)
    return try Dictionary(
      uniqueKeysWithValues: names.filter { $0.hasSuffix(".teacher") }.map {
        ($0, try Data(contentsOf: folder.file("\(cache)/\($0)")))
      })
  }

  private func records(_ output: String) throws -> [JSONValue] {
    try String(contentsOf: folder.file("\(output)/metrics.jsonl"), encoding: .utf8)
      .split(separator: "\n").map { try JSONValue(parsing: String($0)) }
  }

  /// Ranks share out the asking; what comes of it is the same file by file, as is the adapter.
  @Test func ranksAndThreadsGiveTheSameAdapter() async throws {
    let alone = try await train("alone")
    let said = try answers("cache")
    #expect(said.count >= 2)
    for (ranks, threads) in [(2, 1), (3, 2)] {
      let name = "r\(ranks)"
      let other = try await train(name, ranks: ranks, threads: threads, cache: name)
      #expect(other == alone, "\(ranks) ranks")
      #expect(try answers(name) == said, "\(ranks) ranks")
    }
    // The answers are there, and the first idle rank takes the next sequence.
    #expect(try await train("again", ranks: 2, ["--schedule", "dynamic"]) == alone)
    #expect(try await train("micro", ["--micro-batch-size", "3"]) == alone)
    #expect(try answers("cache") == said)

    let steps = try records("alone").filter { $0["loss"] != nil }
    #expect(steps.count == 30)
    for record in steps {
      let (task, kl) = (record["task_loss"]?.double, record["kl"]?.double)
      let (loss, hidden) = (record["loss"]?.double, record["hidden_loss"]?.double)
      let sum = 0.7 * 4 * (try #require(kl)) + 0.3 * (try #require(task))
      let (whole, streams) = (try #require(loss), try #require(hidden))
      #expect(abs(whole - sum - 0.1 * streams) < 1e-4 * whole)
    }
    // Means of three batches, as each has other tokens.
    func mean(_ records: [JSONValue]) -> Double {
      records.reduce(0) { $0 + ($1["loss"]?.double ?? .nan) } / Double(records.count)
    }
    #expect(mean(Array(steps.suffix(3))) < mean(Array(steps.prefix(3))))
  }

  /// Whoever gives the teacher no weight trains as without one, bit for bit.
  @Test func weightZeroIsTheTask() async throws {
    let none = ["--distill-weight", "0", "--distill-hidden-weight", "0"]
    let task = try await train("task", ["--objective", "task"])
    #expect(try await train("none", ranks: 2, none) == task)
    #expect(try await train("taught", ["--distill-hidden-weight", "0"]) != task)
  }

  /// Evaluation is that of the data, whatever is learnt.
  @Test func evaluationIsTheTask() async throws {
    let still = ["--learning-rate", "0", "--max-steps", "2"]
    _ = try await train("taught", still)
    _ = try await train("task", still + ["--objective", "task"])
    let (one, other) = (try records("taught").last, try records("task").last)
    #expect(one?["eval_loss"] != nil && one?["eval_loss"] == other?["eval_loss"])
  }

  /// A stopped run goes on with the same settings and teacher only.
  @Test func resumesWithTheSameTeacher() async throws {
    let alone = try await train("alone")
    let said = try answers("cache")
    let cut = try await run("cut", ["--max-wall-time", "1e-9"])
    #expect(cut.status == 75, "\(cut.standardError)")
    for (more, named) in [
      (["--distill-temperature", "3"], "distill_temperature"),
      (["--distill-weight", "0.5"], "distill_weight"), (["--distill-top-k", "7"], "distill_top_k"),
      (["--distill-hidden-blocks", "0"], "distill_hidden_blocks"),
      (["--teacher", Self.fixtures + "llama_3bit_g32"], "teacher (sha256)"),
      (["--objective", "task"], "objective"),
    ] {
      let refused = try await run("cut", more)
      #expect(refused.status == 78, "\(named): \(refused.standardError)")
      #expect(refused.standardError.contains(named), "\(refused.standardError)")
    }
    // Nobody was asked for a run that is refused. The same teacher may lie elsewhere.
    #expect(try answers("cache") == said)
    let copy = folder.file("copy")
    try FileManager.default.copyItem(
      at: URL(filePath: Self.fixtures + "llama_8bit_g128"), to: copy)
    #expect(try await train("cut", ranks: 2, ["--teacher", copy.path]) == alone)
  }

  /// Damaged answers are asked for again.
  @Test func damagedAnswersAreMadeAnew() async throws {
    let alone = try await train("alone")
    let said = try answers("cache")
    for (name, whole) in said {
      var broken = whole
      broken[broken.count / 2] ^= 4
      try broken.write(to: folder.file("cache/\(name)"), options: .atomic)
    }
    #expect(try await train("again", ranks: 2) == alone)
    #expect(try answers("cache") == said)
  }

  /// A model in full precision of another size teaches by its distributions, not by its streams.
  @Test func otherSizes() async throws {
    let other = ["--teacher", Self.fixtures + "dense_bf16", "--max-steps", "2"]
    let refused = try await run("refused", other)
    #expect(refused.status == 65, "\(refused.standardError)")
    #expect(refused.standardError.contains("set distill_hidden_weight to 0"))
    let taught = try await run("taught", other + ["--distill-hidden-weight", "0"])
    #expect(taught.status == 0, "\(taught.standardError)")
    #expect(taught.standardError.contains("is not the model that the base was made of"))
    let absent = try await run("absent", ["--distill-hidden-blocks", "2"])
    #expect(absent.status == 78 && absent.standardError.contains("blocks 0 to 1"))
  }

  /// Nothing is asked, and one line says what the answers will take.
  @Test func dryRunSaysTheSize() async throws {
    let dry = try await run("dry", ["--dry-run"])
    #expect(dry.status == 0, "\(dry.standardError)")
    let lines = dry.standardOutput.split(separator: "\n").filter { $0.hasPrefix("teacher ") }
    #expect(lines.count == 1, "\(dry.standardOutput)")
    #expect(lines.first?.contains("the 8 most probable of 96 tokens, about ") == true)
    #expect(try answers("cache").isEmpty)
  }
}
