import Foundation
import TestSupport
import Testing

/// A measured loss has the same digits on any ranks and threads.
@Suite(.serialized) struct EvaluationTests {
  @Test func ranksAndThreadsGiveTheSameDigits() throws {
    let folder = try TemporaryFolder()
    try folder.write(String(TemporaryFolder.text.prefix(1500)), to: "text.txt")
    func loss(_ arguments: [String], ranks: Int?, threads: Int) throws -> Substring {
      let result = try Program.run(
        ["eval", Program.base, "--max-length", "64", "--json"] + arguments, ranks: ranks,
        threads: threads)
      #expect(result.status == 0, "\(result.standardError)")
      // The text of the number, not its value.
      let loss = try #require(result.standardOutput.firstRange(of: "\"loss\":"))
      return result.standardOutput[loss.upperBound...].prefix { $0 != "," }
    }
    for arguments in [[], ["--stride", "16", "--windows", "7"]] {
      let text = ["--perplexity", folder.file("text.txt").path] + arguments
      let alone = try loss(text, ranks: nil, threads: 1)
      #expect(Double(alone).map { $0 > 0 } == true)
      for (ranks, threads) in [(nil, 2), (3, 1)] as [(Int?, Int)] {
        #expect(try loss(text, ranks: ranks, threads: threads) == alone)
      }
    }
  }

  /// Tasks of the user's own: scores, samples and generated texts do not know ranks either.
  @Test func tasksGiveTheSameDigits() throws {
    let folder = try TemporaryFolder()
    let records = (0..<11).map { index in
      """
      {"question": "What is \(index) and \(index * 3)?", "choices": ["one", "a few", "\(index)"], \
      "answer": \(index % 3), "part": "\(index % 2 == 0 ? "even" : "odd")"}
      """
    }
    try folder.write(records.joined(separator: "\n"), to: "own.jsonl")
    try folder.write(
      """
      task: own
      group_by: part
      validation_split: own.jsonl
      fewshot_split: validation
      doc_to_text: "{{question}} Say:"
      doc_to_choice: choices
      doc_to_target: answer
      metric_list: [acc, acc_norm, acc_bytes]
      """, to: "own.yaml")
    try folder.write(
      """
      task: said
      output_type: generate_until
      validation_split: own.jsonl
      doc_to_text: question
      doc_to_target: choices
      generation_kwargs: {max_gen_toks: 5, until: [" "]}
      metric_list: [rougeL, exact_match]
      """, to: "said.yaml")
    func results(ranks: Int?, threads: Int) throws -> (tasks: Substring, samples: [String]) {
      let output = folder.file("samples-\(ranks ?? 0)-\(threads)").path
      let tasks = ["own", "said"].map { folder.file("\($0).yaml").path }.joined(separator: ",")
      let result = try Program.run(
        [
          "eval", Program.base, "--tasks", tasks, "--data-dir", folder.path, "--num-fewshot", "1",
          "--max-length", "64", "--output", output, "--json",
        ], ranks: ranks, threads: threads)
      #expect(result.status == 0, "\(result.standardError)")
      let start = try #require(result.standardOutput.firstRange(of: "\"tasks\":"))
      let end = try #require(result.standardOutput.firstRange(of: ",\"seconds\""))
      let samples = try ["own_even", "own_odd", "said"].map {
        try String(contentsOfFile: "\(output)/samples_\($0).jsonl", encoding: .utf8)
      }
      return (result.standardOutput[start.upperBound..<end.lowerBound], samples)
    }
    let alone = try results(ranks: nil, threads: 1)
    #expect(alone.samples.map { $0.split(separator: "\n").count } == [6, 5, 11])
    #expect(alone.tasks.contains("\"own_odd\"") && alone.tasks.contains("\"acc_norm_stderr\""))
    for (ranks, threads) in [(nil, 2), (3, 1)] as [(Int?, Int)] {
      #expect(try results(ranks: ranks, threads: threads) == alone)
    }
    // A folder that cannot be made is known before anything is computed.
    let refused = try Program.run(
      [
        "eval", Program.base, "--tasks", folder.file("own.yaml").path, "--data-dir", folder.path,
        "--output", folder.file("own.jsonl").path + "/samples",
      ], ranks: nil, threads: 1)
    #expect(refused.status != 0 && refused.standardOutput.isEmpty)
    #expect(refused.standardError.contains("own.jsonl"), "\(refused.standardError)")
  }
}
