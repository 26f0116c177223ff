import Foundation
import Testing

/// `peqa quantize` and `peqa inspect` as a script uses them.
@Suite struct QuantizeCommandTests {
  private static func fixture(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("DecoderModelTests/Fixtures/\(name)").path
  }

  private func withFolder(_ body: (String) throws -> Void) throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("peqa-test-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
  }

  private func object(_ text: String) throws -> NSDictionary {
    try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? NSDictionary)
  }

  /// The command of the conventions, word for word.
  @Test func quantizesAndInspects() throws {
    try withFolder { folder in
      let base = folder + "/base"
      let made = try CommandLineTests().run([
        "quantize", Self.fixture("dense_bf16"), "--output", base, "--bits", "4",
        "--group-size", "-1", "--json",
      ])
      #expect(made.code == 0, "\(made.errors)")
      let report = try object(made.output)
      let digest = try #require(report["base_sha256"] as? String)
      let looked = try CommandLineTests().run(["inspect", base, "--json"])
      #expect(looked.code == 0)
      let facts = try object(looked.output)
      #expect(facts["kind"] as? String == "base")
      #expect(facts["base_sha256"] as? String == digest)
      #expect(facts["scales"] as? Int == report["scales"] as? Int)

      let again = try CommandLineTests().run([
        "quantize", Self.fixture("dense_bf16"), "-o", base,
      ])
      #expect(again.code == 73)
      #expect(again.errors.contains("overwrite"))
    }
  }

  @Test func dryRunWritesNothing() throws {
    try withFolder { folder in
      let (code, output, _) = try CommandLineTests().run([
        "quantize", Self.fixture("gguf/llama_q4_1.gguf"), "-o", folder + "/base",
        "--reuse-quantization",
        "--dry-run", "--json",
      ])
      #expect(code == 0)
      #expect(try object(output)["group_size"] as? Int == 32)
      let left = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(left == [])
    }
  }

  @Test(arguments: [
    (["--bits", "5"], Int32(78), "2, 3, 4 or 8"),
    (["--bits", "2", "--method", "rtn"], 78, "--allow-poor-quality"),
    (["--group-size", "48"], 78, "32, 64, 128 or 256"), (["--reuse-quantization"], 65, "BF16"),
    (["--keep-codes"], 65, "GPTQ"),
    (["--keep-codes", "--bits", "4"], 64, "leave out --bits"), (["--threads", "0"], 64, "4096"),
    (["--bits", "four"], 64, "four"),
  ])
  func wrongSettingsSayWhatIsRight(extra: [String], expected: Int32, words: String) throws {
    try withFolder { folder in
      let (code, output, errors) = try CommandLineTests().run(
        ["quantize", Self.fixture("dense_bf16"), "-o", folder + "/base"] + extra)
      #expect(code == expected, "\(errors)")
      #expect(output.isEmpty)
      #expect(errors.contains(words))
      let left = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(left == [])
    }
  }

  @Test func inspectKnowsWhatItSees() throws {
    try withFolder { folder in
      let adapter = folder + "/adapter"
      try FileManager.default.createDirectory(
        atPath: adapter, withIntermediateDirectories: false)
      let golden = Self.fixture("training/training_golden.safetensors")
      try FileManager.default.copyItem(
        atPath: golden, toPath: adapter + "/adapter_model.safetensors")
      try #"{"peft_type": "PEQA"}"#.write(
        toFile: adapter + "/adapter_config.json", atomically: true, encoding: .utf8)
      let data = folder + "/data.jsonl"
      try #"{"prompt": "a", "completion": "b"}"#.write(
        toFile: data, atomically: true, encoding: .utf8)
      for (path, kind) in [
        (adapter, "adapter"), (data, "dataset"), (golden, "safetensors"),
        (Self.fixture("gguf/llama_f16.gguf"), "model"), (Self.fixture("dense_f16"), "model"),
      ] {
        let (code, output, errors) = try CommandLineTests().run(["inspect", path, "--json"])
        #expect(code == 0, "\(errors)")
        #expect(try object(output)["kind"] as? String == kind)
        #expect(try CommandLineTests().run(["inspect", path]).output.contains(kind))
      }
      #expect(try CommandLineTests().run(["inspect", folder + "/nothing"]).code == 66)
    }
  }
}
