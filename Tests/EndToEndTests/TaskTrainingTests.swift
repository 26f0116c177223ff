import Foundation
import JSONText
import TestSupport
import Testing

/// Tasks measured while scales are trained: the same digits on any ranks, and those of `peqa eval`.
@Suite(.serialized) struct TaskTrainingTests {
  let folder: TemporaryFolder
  let runFile: String

  private static let settings = "max_steps: 10\nlearning_rate: 5e-2\nlogging_steps: 5\n"

  init() throws {
    folder = try TemporaryFolder()
    let records = (0..<13).map { index in
      """
      {"question": "Line \(index): the square of \(index) is", \
      "choices": [" one", " \(index * index)", " a few"], "answer": 1}
      """
    }
    try folder.write(records.joined(separator: "\n"), to: "own.jsonl")
    try folder.write(
      """
      task: own
      validation_split: own.jsonl
      doc_to_text: question
      doc_to_choice: choices
      doc_to_target: answer
      metric_list: [acc, acc_norm]
      """, to: "own.yaml")
    try folder.write(
      """
      task: said
      output_type: generate_until
      validation_split: own.jsonl
      doc_to_text: question
      doc_to_target: choices
      generation_kwargs: {max_gen_toks: 5, until: [","]}
      metric_list: [rougeL]
      """, to: "said.yaml")
    runFile = try folder.runFile(
      Self.settings + "evaluation: {tasks: [own.yaml, said.yaml], limit: 11, steps: 4}\n")
  }

  private func train(
    _ output: String, ranks: Int? = nil, threads: Int = 1, _ more: [String] = []
  ) async throws -> Program.Output {
    try await Program.run(
      ["train", runFile, "--output-dir", folder.file(output).path] + more, ranks: ranks,
      threads: threads)
  }

  /// Records of tasks without the time they took.
  private func records(_ output: String) throws -> [[JSONValue.Member]] {
    try String(contentsOf: folder.file("\(output)/metrics.jsonl"), encoding: .utf8)
      .split(separator: "\n").map { try JSONValue(parsing: String($0)) }
      .filter { $0["task_runtime"] != nil }
      .map { ($0.members ?? []).filter { $0.key != "task_runtime" } }
  }

  @Test func ranksGiveTheSameDigits() async throws {
    let result = try await train("alone")
    #expect(result.status == 0, "\(result.standardError)")
    let alone = try records("alone")
    #expect(alone.map { $0[0].value.int } == [4, 8, 10])
    #expect(
      alone[0].map(\.key) == [
        "step", "epoch", "own/acc", "own/acc_stderr", "own/acc_norm", "own/acc_norm_stderr",
        "said/rougeL", "said/rougeL_stderr",
      ])
    #expect(result.standardError.contains("step 4: own/acc "), "\(result.standardError)")
    #expect(result.standardOutput.contains("tasks       own/acc "), "\(result.standardOutput)")
    for (ranks, threads) in [(2, 1), (3, 2)] {
      let name = "r\(ranks)"
      let other = try await train(name, ranks: ranks, threads: threads)
      #expect(other.status == 0, "\(other.standardError)")
      #expect(try records(name) == alone, "\(ranks) ranks")
    }
    // Training goes on from the scales that were measured.
    let other = try TemporaryFolder()
    let without = try await Program.run([
      "train", try other.runFile(Self.settings), "--output-dir", other.path + "/out",
    ])
    #expect(without.status == 0, "\(without.standardError)")
    let name = "adapter_model.safetensors"
    #expect(
      try Data(contentsOf: other.file("out/\(name)"))
        == Data(contentsOf: folder.file("alone/\(name)")))
  }

  /// What stands at the end is what `peqa eval` says of the adapter, also where an earlier step was
  /// the best: held-out text unlike the training data gets less probable after step 2.
  @Test(arguments: [false, true]) func isWhatEvalSays(best: Bool) async throws {
    let other = String(repeating: "ZEBRA QUIXOTIC! ", count: 200)
    try folder.write(other, to: "other.txt")
    let held = ["eval_datasets=[{path: \(folder.file("other.txt").path), type: text}]"]
    let keepsBest =
      ["--set"] + held + [
        "--eval-steps", "2", "--load-best-model-at-end", "true", "--lr-scheduler", "constant",
      ]
    let trained = try await train("run", ranks: 2, ["--json"] + (best ? keepsBest : []))
    #expect(trained.status == 0, "\(trained.standardError)")
    let last = try Data(
      contentsOf: folder.file("run/checkpoint-10/adapter_model.safetensors"))
    let final = try Data(contentsOf: folder.file("run/adapter_model.safetensors"))
    #expect((last == final) == !best)
    let results = try JSONValue(parsing: trained.standardOutput)["tasks"]
    let files = ["own", "said"].map { folder.file("\($0).yaml").path }.joined(separator: ",")
    let measured = try await Program.run([
      "eval", Program.base, "--adapter", folder.file("run").path, "--tasks", files, "--data-dir",
      folder.path, "--limit", "11", "--json",
    ])
    #expect(measured.status == 0, "\(measured.standardError)")
    let tasks = try JSONValue(parsing: measured.standardOutput)["tasks"]
    for (task, metric) in [("own", "acc"), ("own", "acc_norm"), ("said", "rougeL")] {
      for name in [metric, "\(metric)_stderr"] {
        let said = tasks?[task]?[name]
        #expect(said != nil && said == results?["\(task)/\(name)"], "\(task) \(name)")
      }
    }
  }

  /// A run that goes on measures nothing twice, and gives the digits of an unbroken one.
  @Test func resumes() async throws {
    for (ranks, more) in [(nil, ["--max-steps", "8"]), (2, [])] as [(Int?, [String])] {
      let result = try await train("cut", ranks: ranks, more + ["--lr-scheduler", "constant"])
      #expect(result.status == 0, "\(result.standardError)")
    }
    let whole = try await train("whole", ["--lr-scheduler", "constant"])
    #expect(whole.status == 0, "\(whole.standardError)")
    #expect(try records("cut") == records("whole"))
  }

  /// Names, files and keys are looked at before anything is trained.
  @Test func mistakesAreFoundFirst() async throws {
    let dry = try await train("dry", ["--dry-run"])
    #expect(dry.status == 0 && dry.standardOutput.contains("tasks: own 11, said 11 items"))
    let nowhere = folder.file("nowhere").path
    for (value, status, text) in [
      ("{tasks: piqq}", 64, "there is no task \"piqq\" - did you mean \"piqa\"?"),
      ("{tasks: [piqa], data_dir: \(nowhere)}", 66, "task piqa: no file of its"),
      ("{tasks: [\(nowhere).yaml]}", 66, "nowhere.yaml"),
      ("{tasks: piqa, limt: 3}", 78, "unknown key \"limt\" - did you mean \"limit\"?"),
    ] as [(String, Int32, String)] {
      for more in [["--dry-run"], []] {
        let result = try await train("bad", ["--evaluation", value] + more)
        #expect(result.status == status, "\(result.standardError)")
        #expect(result.standardError.contains(text), "\(result.standardError)")
      }
    }
    let two = try await train("bad", ranks: 2, ["--evaluation", "{tasks: piqq}"])
    #expect(two.status == 64, "\(two.standardError)")
    #expect(!FileManager.default.fileExists(atPath: folder.file("bad").path))
  }
}
