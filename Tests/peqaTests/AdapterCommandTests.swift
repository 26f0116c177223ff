import Foundation
import JSONText
import TestSupport
import Testing

/// `peqa adapter` as a script uses it, over a tiny base and adapters written byte by byte.
@Suite struct AdapterCommandTests {
  private static let base = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent()
    .appendingPathComponent("DecoderModelTests/Fixtures/llama_4bit_row").path

  /// An adapter over no base in particular: gains of two rows in each of two layers.
  private func put(_ name: String, _ gains: [Float], in folder: TemporaryFolder) throws {
    let tensor = { (layer: Int) in
      #""model.layers.\#(layer).mlp.up_proj.gains": {"dtype": "F32", "shape": [2], "#
        + #""data_offsets": [\#(8 * layer), \#(8 * layer + 8)]}"#
    }
    let header = Array("{\(tensor(0)), \(tensor(1))}".utf8)
    let count = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) }
    try folder.put(
      "\(name)/adapter_model.safetensors",
      count + header + gains.withUnsafeBytes { Array($0) })
    try folder.put(
      "\(name)/adapter_config.json", #"{"peft_type": "PEQA", "base_sha256": "b0", "bits": 4}"#)
  }

  private func gains(of path: String) throws -> [Float] {
    let bytes = [UInt8](
      try Data(contentsOf: URL(filePath: path + "/adapter_model.safetensors")))
    return (0..<4).map { i in
      bytes.withUnsafeBytes {
        $0.loadUnaligned(fromByteOffset: $0.count - 16 + 4 * i, as: Float.self)
      }
    }
  }

  /// The adapters a and b.
  private func withAdapters(_ body: (TemporaryFolder) throws -> Void) throws {
    let folder = try TemporaryFolder()
    try put("a", [1, 1, 2, 1], in: folder)
    try put("b", [1, 2, 1, 1], in: folder)
    try body(folder)
  }

  private func json(_ arguments: [String]) throws -> JSONValue {
    let (code, output, errors) = try CommandLineTests().run(["adapter"] + arguments + ["--json"])
    #expect(code == 0, "\(errors)")
    return try JSONValue(parsing: Array(output.utf8))
  }

  @Test func averages() throws {
    try withAdapters { folder in
      let (a, b, out) = (folder("a"), folder("b"), folder("out"))
      let even = try json(["average", a, b, "--output", out])
      #expect(try gains(of: out) == [1, 1.5, 1.5, 1])
      #expect(even["numbers"] == 4 && even["tensors"] == 2 && even["dry_run"] == false)
      #expect(even["made_by"]?["operation"] == "average")
      let config = try String(contentsOfFile: out + "/adapter_config.json", encoding: .utf8)
      let made = try JSONValue(parsing: Array(config.utf8))
      #expect(made["made_by"] == even["made_by"] && made["bits"] == 4)
      let weighted = try json([
        "average", a, b, a, "--weights", "-0.5,0.5,1", "-o", out, "--overwrite",
      ])
      #expect(weighted["made_by"]?["weights"]?.array?.map(\.double) == [-0.5, 0.5, 1])
      #expect(try gains(of: out) == [1, 1.5, 1.5, 1])
    }
  }

  @Test func interpolatesAndExtrapolates() throws {
    try withAdapters { folder in
      let (a, b) = (folder("a"), folder("b"))
      for (fraction, expected, isBeyond) in [
        ("0", [1, 1, 2, 1], false), ("1", [1, 2, 1, 1], false),
        ("0.25", [1, 1.25, 1.75, 1], false),
        ("1.5", [1, 2.5, 0.5, 1], true), ("-0.5", [1, 0.5, 2.5, 1], true),
      ] as [(String, [Float], Bool)] {
        let out = folder("out\(fraction)")
        let (code, output, errors) = try CommandLineTests().run([
          "adapter", "interpolate", a, b, "--fraction", fraction, "--output", out,
        ])
        #expect(code == 0, "\(errors)")
        #expect(output.hasPrefix("\(out): ") && output.contains("sha256 "))
        #expect(try gains(of: out) == expected)
        #expect(errors.contains("extrapolation") == isBeyond)
        let config = try String(contentsOfFile: out + "/adapter_config.json", encoding: .utf8)
        let record = try JSONValue(parsing: Array(config.utf8))["made_by"]
        #expect(record?["fraction"]?.double == Double(fraction))
      }
      let flipped = try CommandLineTests().run([
        "adapter", "interpolate", a, b, "--fraction", "3", "--output", folder("far"), "--quiet",
      ])
      #expect(flipped.code == 0 && flipped.errors.contains("1 scales have another sign"))
    }
  }

  @Test func dryRunWritesNothing() throws {
    try withAdapters { folder in
      let made = try json([
        "average", folder("a"), folder("b"), "-o", folder("out"), "--dry-run",
      ])
      #expect(made["dry_run"] == true && made["sha256"] == .null)
      #expect(try folder.contents == ["a", "b"])
    }
  }

  @Test func differences() throws {
    try withAdapters { folder in
      let (a, b) = (folder("a"), folder("b"))
      let found = try json(["diff", a, b, "--top", "1"])
      #expect(found["identical"] == false && found["form"] == "gains")
      #expect(found["numbers"] == 4 && found["changed"] == 2 && found["changed_share"] == 0.5)
      #expect(found["largest"]?.double == 1 && found["from_zero"] == 0)
      // 1 and -0.5 among 4.
      let rms = try #require(found["rms"]?.double)
      #expect(abs(rms - (1.25 / 4).squareRoot()) < 1e-15)
      #expect(found["tensors"]?.array?.count == 2 && found["layers"]?.array?.count == 2)
      #expect(found["kinds"]?[0]?["kind"] == "mlp.up_proj")
      #expect(found["rows"]?.array?.count == 1)
      #expect(found["rows"]?[0]?["layer"] == 0 && found["rows"]?[0]?["row"] == 1)
      let text = try CommandLineTests().run(["adapter", "diff", a, b])
      #expect(text.code == 0 && text.errors.isEmpty)
      #expect(text.output.contains("2 of 4 gains differ (50 %)"))
      #expect(text.output.contains("mlp.up_proj"))
      #expect(try json(["diff", a, a])["identical"] == true)
      #expect(try CommandLineTests().run(["adapter", "diff", a, a]).output.contains("Identical"))
    }
  }

  @Test func wrongUseSaysWhatIsRight() throws {
    try withAdapters { folder in
      let (a, b, out) = (folder("a"), folder("b"), folder("out"))
      let make = ["--output", out]
      let line = ["--fraction", "0.5"] + make
      try folder.put("run/adapter_config.json", "{}")
      try folder.put("run/config.yaml", "")
      let cases: [([String], Int32, String)] = [
        (["average", a] + make, 64, "two adapters or more"),
        (["average", a, b, "--weights", "1"] + make, 64, "1 for 2 adapters"),
        (["average", a, b, "--weights", "0.5,0.4"] + make, 64, "must be 1"),
        (["average", a, b, "--weights", "0.5,x"] + make, 64, "\"x\" is no number"),
        (["average", a, b, "--weights", "nan,1"] + make, 64, "\"nan\" is no number"),
        (["average", a, b, "--output", a + "/", "--overwrite"], 64, "one of the inputs"),
        (["average", a, b, "--output", folder("run"), "--overwrite"], 73, "nothing else"),
        (["average", a, b, "--output", folder("run")], 73, "exists"),
        (["average", a, folder("none")] + make, 66, folder("none")),
        (["interpolate", a] + line, 64, "--base BASE"),
        (["interpolate", a, b, b] + line, 64, "Give two"),
        (["interpolate", a, b, "--fraction", "inf"] + make, 64, "must be a number"),
        (["interpolate", a, "--base", Self.base] + line, 65, "b0"),
        (["interpolate", a, b, "--fraction", "1e39"] + make, 65, "leave the range of F32"),
        (["diff", a, b, "--base", Self.base], 65, "b0"),
        (["diff", Self.base, Self.base], 66, "no adapter"),
        (["diff", a, b, "--top", "-1"], 64, "at least 0"),
      ]
      for (arguments, expected, words) in cases {
        let (code, output, errors) = try CommandLineTests().run(["adapter"] + arguments)
        #expect(code == expected, "\(arguments): \(errors)")
        #expect(output.isEmpty && errors.contains(words), "\(arguments): \(errors)")
      }
      #expect(try folder.contents == ["a", "b", "run"])
    }
  }
}
