import Foundation
import JSONText
import TestSupport
import Testing

/// Data sets to calibrate with.
@Suite(.serialized) struct CalibrationDataTests {
  private let folder: TemporaryFolder
  /// A model with an end token, and a chat template.
  private let model: String
  private let plainModel: String

  init() throws {
    folder = try TemporaryFolder()
    let fixture = Program.root.appending(path: "Tests/DecoderModelTests/Fixtures/dense_llama")
    let ends = "\"bos_token\": null, \"eos_token\": \"<|endoftext|>\""
    let template =
      "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}<|endoftext|>{% endfor %}"
    for (name, settings) in [
      ("model", "{\(ends), \"chat_template\": \"\(template)\"}"), ("plain", "{\(ends)}"),
    ] {
      try FileManager.default.copyItem(at: fixture, to: folder.file(name))
      try folder.write(settings, to: "\(name)/tokenizer_config.json")
    }
    model = folder.file("model").path
    plainModel = folder.file("plain").path
  }

  private func quantize(
    _ model: String, with data: String, _ name: String, ranks: Int? = nil, _ more: [String] = []
  ) async throws -> Program.Output {
    try await Program.run(
      [
        "quantize", model, "--output", folder.file(name).path, "--calibration",
        folder.file(data).path, "--bits", "3", "--calibration-length", "24",
        "--calibration-sequences", "12", "--method", "gptq",
      ] + more, ranks: ranks, environment: ["PEQA_CACHE": folder.file("cache").path])
  }

  private func weights(_ name: String) throws -> Data {
    try Data(contentsOf: folder.file("\(name)/base.safetensors"))
  }

  /// Instructions are what their prompts are when written out, on any ranks.
  @Test func instructions() async throws {
    func records(_ write: (String, String) -> String) -> String {
      let all = (0..<40).map { write("Count \($0) sheep.", "There are \($0 * 7 % 11) sheep.") }
      return "[" + all.joined(separator: ",\n") + "]"
    }
    try folder.write(
      records { "{\"instruction\": \"\($0)\", \"output\": \"\($1)\"}" }, to: "alpaca.json")
    let prompt =
      "Below is an instruction that describes a task. Write a response that appropriately "
      + "completes the request.\\n\\n### Instruction:\\n"
    try folder.write(
      records {
        "{\"prompt\": \"\(prompt)\($0)\\n\\n### Response:\\n\", \"completion\": \"\($1)\"}"
      }, to: "written.json")
    for (data, name, ranks, more) in [
      ("alpaca.json", "alpaca", nil, []), ("alpaca.json", "two", 2, []),
      ("alpaca.json", "named", nil, ["--calibration-type", "alpaca"]),
      ("written.json", "written", nil, []),
    ] as [(String, String, Int?, [String])] {
      let result = try await quantize(model, with: data, name, ranks: ranks, more)
      #expect(result.status == 0, "\(result.standardError)")
      #expect(try weights(name) == weights("alpaca"), "\(name)")
    }
    let manifest = try JSONValue(
      parsing: String(contentsOf: folder.file("alpaca/peqa_base.json"), encoding: .utf8))
    #expect(manifest["quality"]?["calibration"]?["text"] == "alpaca.json")
  }

  /// Conversations go through the model's template, which it must have.
  @Test func conversations() async throws {
    let records = (0..<60).map { index in
      """
      {"messages": [{"role": "user", "content": "Count \(index)."}, \
      {"role": "assistant", "content": "\(index), \(index + 1), \(index + 2)."}]}
      """
    }
    try folder.write(records.joined(separator: "\n"), to: "chat.jsonl")
    for (name, ranks) in [("alone", nil), ("two", 2)] as [(String, Int?)] {
      let result = try await quantize(model, with: "chat.jsonl", name, ranks: ranks)
      #expect(result.status == 0, "\(result.standardError)")
    }
    #expect(try weights("alone") == weights("two"))
    let refused = try await quantize(plainModel, with: "chat.jsonl", "none")
    #expect(refused.status == 78, "\(refused.standardError)")
    #expect(refused.standardError.contains("the model brings none"))
    #expect(!FileManager.default.fileExists(atPath: folder.file("none").path))
  }

  @Test func mistakes() async throws {
    try folder.write("{\"question\": \"What?\"}\n", to: "odd.jsonl")
    try folder.write("{\"prompt\": \"a\", \"completion\": \"b\"}\n", to: "few.jsonl")
    for (data, more, status, text) in [
      ("odd.jsonl", [], 65, "no type fits the keys question"),
      ("few.jsonl", [], 65, "the calibration text has 3 tokens"),
      ("few.jsonl", ["--calibration-type", "alpaca"], 65, "few.jsonl:1"),
      ("few.jsonl", ["--calibration-type", "alpca"], 64, "\"alpca\" is none of alpaca"),
      ("gone.jsonl", [], 66, "gone.jsonl"),
    ] as [(String, [String], Int32, String)] {
      let result = try await quantize(model, with: data, "none", more)
      #expect(result.status == status, "\(data): \(result.standardError)")
      #expect(result.standardError.contains(text), "\(data): \(result.standardError)")
    }
    let alone = try await Program.run([
      "quantize", model, "--output", folder.file("none").path, "--calibration-type", "chat",
    ])
    #expect(alone.status == 64, "\(alone.standardError)")
    #expect(!FileManager.default.fileExists(atPath: folder.file("none").path))
  }
}
