import Foundation
import Kernels
import Testing

/// `peqa eval` and `peqa generate` as a script uses them, over a tiny base of ASCII tokens.
@Suite struct EvalCommandTests {
  private static let base = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent()
    .appendingPathComponent("DecoderModelTests/Fixtures/llama_4bit_row").path

  private func object(_ text: String) throws -> NSDictionary {
    try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? NSDictionary)
  }

  /// Runs with a text file of `count` characters, each a token.
  private func withText<Result>(_ count: Int, _ body: (String) throws -> Result) throws -> Result {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("peqa-test-\(UUID().uuidString).txt").path
    let text = (0..<count).map { Character(UnicodeScalar(33 + UInt8($0 * $0 % 90))) }
    try String(text).write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
  }

  @Test func perplexityOfTheConventions() throws {
    try withText(100) { file in
      let (code, output, errors) = try CommandLineTests().run([
        "eval", Self.base, "--perplexity", file, "--max-length", "32", "--windows", "2",
        "--no-bos", "--json",
      ])
      #expect(code == 0, "\(errors)")
      let result = try object(output)
      // Two windows of 31 predictions.
      #expect(result["tokens"] as? Int == 62)
      #expect(result["windows"] as? Int == 2)
      let loss = try #require(result["loss"] as? Double)
      let perplexity = try #require(result["perplexity"] as? Double)
      #expect(abs(perplexity - exp(loss)) < 1e-9 * perplexity)
      for key in ["tokens_per_second", "model", "dtype", "kernel_path", "ranks", "threads"] {
        #expect(result[key] != nil, "\(key)")
      }
    }
  }

  /// `auto` generates with codes as integers; it judges with numbers.
  @Test(arguments: ["auto", "fp32", "int8"]) func whatIsMultiplied(dtype: String) throws {
    func products(_ arguments: [String]) throws -> String? {
      let (code, output, errors) = try CommandLineTests().run(
        arguments + ["--dtype", dtype, "--json"])
      #expect(code == 0, "\(errors)")
      return try object(output)["dtype"] as? String
    }
    let generated = try products(["generate", Self.base, "--prompt", "a", "--max-new-tokens", "2"])
    let judged = try withText(100) {
      try products(["eval", Self.base, "--perplexity", $0, "--max-length", "32"])
    }
    let chosen = ProcessInfo.processInfo.environment["PEQA_KERNELS"] ?? ""
    let hasBF16 = (InstructionSet(rawValue: chosen) ?? .best).hasNativeBF16
    #expect(generated == (dtype == "auto" ? "int8" : dtype))
    #expect(judged == (dtype != "auto" ? dtype : hasBF16 ? "bf16" : "fp32"))
  }

  /// A base that is read block by block gives the digits and the words of one that stays.
  @Test func streamingChangesNothing() throws {
    try withText(100) { file in
      func outputs(_ streaming: [String]) throws -> (loss: Double?, text: String?, said: [String]) {
        let (measured, loss, about) = try CommandLineTests().run(
          ["eval", Self.base, "--perplexity", file, "--max-length", "32", "--json"] + streaming)
        let (wrote, words, saying) = try CommandLineTests().run(
          ["generate", Self.base, "--prompt", "hello", "--max-new-tokens", "20", "--json"]
            + streaming)
        #expect(measured == 0 && wrote == 0, "\(about)\(saying)")
        return (
          try object(loss)["loss"] as? Double, try object(words)["text"] as? String,
          [about, saying]
        )
      }
      let plain = try outputs(["--base-streaming", "off"])
      #expect(plain.loss != nil && plain.text != nil)
      #expect(plain.said.allSatisfy { !$0.contains("is streamed") })
      // The second limit is less than the base and its surroundings need.
      for streaming in [["--base-streaming", "on"], ["--memory-limit", "0.0001"]] {
        let other = try outputs(streaming)
        #expect(other.loss == plain.loss && other.text == plain.text)
        #expect(other.said.allSatisfy { $0.contains("is streamed: 2 of 2 blocks") }, "\(other)")
      }
    }
  }

  /// 100 tokens: three windows of 32 and one of 4; behind BOS every token is predicted.
  @Test func wholeTextAndBOS() throws {
    try withText(100) { file in
      let cases: [([String], Int)] = [([], 96), (["--stride", "8"], 99), (["--bos"], 100)]
      for (more, expected) in cases {
        let (code, output, errors) = try CommandLineTests().run(
          ["eval", Self.base, "--perplexity", file, "--max-length", "32", "--json"] + more)
        #expect(code == 0, "\(errors)")
        let tokens = try object(output)["tokens"] as? Int
        #expect(tokens == expected, "\(more)")
      }
    }
  }

  @Test func generatesTheSameTwice() throws {
    func generate(_ more: [String]) throws -> NSDictionary {
      let (code, output, errors) = try CommandLineTests().run(
        ["generate", Self.base, "--prompt", "hello", "--max-new-tokens", "12", "--json"] + more)
      #expect(code == 0, "\(errors)")
      return try object(output)
    }
    for more in [["--temperature", "0"], ["--temperature", "1.5", "--seed", "7"]] {
      let (first, second) = (try generate(more), try generate(more + ["--threads", "2"]))
      #expect(first["text"] as? String == second["text"] as? String)
      #expect(first["prompt_tokens"] as? Int == 5)
      let count = try #require(first["generated_tokens"] as? Int)
      let reason = first["finish_reason"] as? String
      #expect(count == 12 ? reason == "length" : reason == "stop")
      #expect(first["tokens_per_second"] is Double)
    }
    let streamed = try CommandLineTests().run([
      "generate", Self.base, "--prompt", "hello", "--max-new-tokens", "12",
    ])
    let text = try #require(generate([])["text"] as? String)
    #expect(streamed.output == text + "\n")
  }

  @Test(arguments: [
    (["eval"], Int32(64), "--perplexity FILE, --data FILE and --tasks NAMES"),
    (["eval", "--perplexity", "/none"], 66, "/none"),
    (["eval", "--perplexity", "x", "--max-length", "1"], 64, "at least 2"),
    (["eval", "--perplexity", "x", "--stride", "-3"], 64, "outside 1...1024"),
    (["eval", "--perplexity", "x", "--windows", "0"], 64, "at least 1"),
    (["eval", "--perplexity", "x", "--type", "alpaca"], 64, "need --data"),
    (["eval", "--data", "x", "--type", "alpacca"], 64, "alpaca_chat"),
    (["eval", "--perplexity", "x", "--limit", "3"], 64, "need --tasks"),
    (["eval", "--tasks", "piqa", "--limit", "0"], 64, "at least 1"),
    (["eval", "--tasks", "piqa", "--num-fewshot", "-1"], 64, "from 0 to 1000"),
    (["eval", "--tasks", ","], 64, "names no task"),
    (["eval", "--tasks", "piqa, nope"], 64, "there is no task \"nope\""),
    (["eval", "--tasks", "piqa", "--data-dir", "/none"], 66, "in /none: looked for piqa/valid"),
    (["generate"], 64, "--prompt TEXT"),
    (["generate", "--prompt", "a", "--chat", "b"], 64, "one of"),
    (["generate", "--prompt", "a", "--temperature", "-0.5"], 64, "0.7 is usual"),
    (["generate", "--prompt", "a", "--top-p", "1.5"], 64, "0.9 is usual"),
    (["generate", "--prompt", "a", "--min-p", "-1"], 64, "0.05 is usual"),
    (["generate", "--prompt", "a", "--top-k", "-1"], 64, "50 is usual"),
    (["generate", "--prompt", "a", "--repetition-penalty", "0"], 64, "1.1 is usual"),
    (["generate", "--prompt", "a", "--max-new-tokens", "0"], 64, "at least 1"),
    (["generate", "--prompt", "a", "--system", "s"], 64, "need --chat"),
    (["generate", "--prompt", "a", "--adapter", "/none"], 66, "/none"),
    (["generate", "--chat", "a", "--chat-template", "foo"], 65, "chatml"),
    (["generate", "--prompt-file", "/none"], 66, "/none"),
  ])
  func wrongUseSaysWhatIsRight(arguments: [String], expected: Int32, words: String) throws {
    let (code, output, errors) = try CommandLineTests().run(
      [arguments[0], Self.base] + arguments.dropFirst())
    #expect(code == expected, "\(errors)")
    #expect(output.isEmpty)
    #expect(errors.contains(words), "\(errors)")
  }
}
