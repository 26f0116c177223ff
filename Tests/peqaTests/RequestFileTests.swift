import Foundation
import JSONText
import TestSupport
import Testing

/// `peqa generate --requests` as a script uses it, over tiny bases of ASCII tokens.
@Suite struct RequestFileTests {
  private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "DecoderModelTests/Fixtures")
  private static let rows = fixtures.appending(path: "llama_4bit_row").path
  private static let groups = fixtures.appending(path: "llama_3bit_g32").path

  /// An adapter over `base` made of its own scales, of which every `step`-th has another sign.
  private func put(
    _ name: String, over base: String, step: Int, in folder: TemporaryFolder
  ) throws {
    let file = [UInt8](try Data(contentsOf: URL(filePath: base + "/base.safetensors")))
    let length = file.withUnsafeBytes { Int($0.loadUnaligned(as: UInt64.self).littleEndian) }
    let header = try JSONValue(parsing: Array(file[8..<8 + length]))
    var (members, bytes): ([JSONValue.Member], [UInt8]) = ([], [])
    for member in header.members ?? [] where member.key.hasSuffix(".scales") {
      let range = try #require(member.value["data_offsets"]?.array).compactMap(\.int)
      var numbers = Array(file[8 + length + range[0]..<8 + length + range[1]])
      for number in stride(from: 0, to: numbers.count / 2, by: step) {
        numbers[2 * number + 1] ^= 0x80
      }
      let own: JSONValue = [
        "dtype": member.value["dtype"] ?? .null, "shape": member.value["shape"] ?? .null,
        "data_offsets": [.integer(bytes.count), .integer(bytes.count + numbers.count)],
      ]
      members.append(JSONValue.Member(key: member.key, value: own))
      bytes += numbers
    }
    let text = Array(JSONValue.object(members).text().utf8)
    let size = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) }
    try folder.put("\(name)/adapter_model.safetensors", size + text + bytes)
    let manifest = try JSONValue(
      parsing: [UInt8](Data(contentsOf: URL(filePath: base + "/peqa_base.json"))))
    let digest = try #require(manifest["base_sha256"] ?? manifest["sha256"])
    try folder.put(
      "\(name)/adapter_config.json",
      JSONValue.object([
        .init(key: "peft_type", value: "PEQA"), .init(key: "base_sha256", value: digest),
      ]).text())
  }

  private func lines(_ output: String) throws -> [JSONValue] {
    try output.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
  }

  private func requests(
    _ base: String, _ file: String, _ more: [String] = []
  ) throws -> (code: Int32, output: String, errors: String) {
    try CommandLineTests().run(["generate", base, "--requests", file, "--dtype", "fp32"] + more)
  }

  /// What `generate` says to one prompt by itself.
  private func alone(_ base: String, _ arguments: [String]) throws -> JSONValue {
    let (code, output, errors) = try CommandLineTests().run(
      ["generate", base, "--json", "--dtype", "fp32"] + arguments)
    #expect(code == 0, "\(errors)")
    return try JSONValue(parsing: output)
  }

  @Test func everyLineGetsWhatItWouldGetAlone() throws {
    let folder = try TemporaryFolder()
    try put("a", over: Self.rows, step: 3, in: folder)
    try put("b", over: Self.rows, step: 5, in: folder)
    let (a, b) = (folder("a"), folder("b"))
    let file = try folder.put(
      "requests.jsonl",
      """
      {"id": "x", "prompt": "hello", "adapter": "a"}
      {"id": 7, "prompt": "line two", "temperature": 1.2, "top_p": 0.9, "seed": 5}

      {"prompt": "hello", "adapter": \(JSONValue.string(b).text()), "max_new_tokens": 5}
      {"prompt": "hello", "adapter": null, "temperature": 1.2}
      """)
    let (code, output, errors) = try requests(
      Self.rows, file, ["--adapter", a, "--max-new-tokens", "9"])
    #expect(code == 0, "\(errors)")
    let answers = try lines(output)
    let tail = ["--max-new-tokens", "9"]
    let expected = [
      try alone(Self.rows, ["--prompt", "hello", "--adapter", a] + tail),
      try alone(
        Self.rows,
        ["--prompt", "line two", "--temperature", "1.2", "--top-p", "0.9", "--seed", "5"] + tail),
      try alone(Self.rows, ["--prompt", "hello", "--adapter", b, "--max-new-tokens", "5"]),
      // The seed of the command line and the place of the request.
      try alone(Self.rows, ["--prompt", "hello", "--temperature", "1.2", "--seed", "45"] + tail),
    ]
    #expect(answers.count == 4)
    for (answer, alone) in zip(answers, expected) {
      for key in ["text", "adapter", "prompt_tokens", "generated_tokens", "finish_reason"] {
        #expect(answer[key] == alone[key], "\(key)")
      }
    }
    #expect(answers.map { $0["id"] } == ["x", 7, .null, .null] as [JSONValue?])
    #expect(answers.map { $0["seed"] } == [42, 5, 44, 45])
    #expect(errors.contains("4 answers") && errors.contains("base 2, \(a) 1, \(b) 1"), "\(errors)")
    // In another file, one at a time: the same bytes, and never over what is there.
    let out = folder("answers.jsonl")
    let again = [
      "--adapter", a, "--max-new-tokens", "9", "--batch", "1", "--output", out,
    ]
    let (second, nothing, _) = try requests(Self.rows, file, again)
    #expect(second == 0 && nothing.isEmpty)
    #expect(try String(contentsOfFile: out, encoding: .utf8) == output)
    #expect(try requests(Self.rows, file, again).code == 73)
  }

  /// Scales of groups: one adapter after the other, the answers in the order of the lines.
  @Test func groupsAreAnsweredByThemselves() throws {
    let folder = try TemporaryFolder()
    try put("a", over: Self.groups, step: 7, in: folder)
    let file = try folder.put(
      "requests.jsonl",
      """
      {"prompt": "hello", "adapter": "a"}
      {"prompt": "hello"}
      {"prompt": "other", "adapter": "a"}
      """)
    let more = ["--max-new-tokens", "8"]
    let (code, output, errors) = try requests(
      Self.groups, file, ["--adapter", folder("a")] + more)
    #expect(code == 0 && errors.contains("answered by themselves"), "\(errors)")
    let answers = try lines(output)
    for (answer, arguments) in zip(
      answers,
      [
        ["--prompt", "hello", "--adapter", folder("a")], ["--prompt", "hello"],
        ["--prompt", "other", "--adapter", folder("a")],
      ])
    {
      #expect(answer["text"] == (try alone(Self.groups, arguments + more)["text"]))
    }
    #expect(answers.count == 3)
  }

  @Test func allBadLinesAreNamed() throws {
    let folder = try TemporaryFolder()
    for name in ["one/a", "two/a"] { try put(name, over: Self.rows, step: 3, in: folder) }
    try put("other", over: Self.groups, step: 3, in: folder)
    let file = try folder.put(
      "requests.jsonl",
      """
      {"prompt": "fine"}
      {"promt": "hello"}
      {"prompt": "a", "chat": "b"}
      {"prompt": "a", "max_new_tokens": 0, "temperature": -1}
      {"prompt": "a"
      [1]
      {"prompt": "a", "stop": [1]}
      {"prompt": "a", "adapter": "nobody"}
      {"prompt": "a", "adapter": "a"}
      {"prompt": "a", "adapter": \(JSONValue.string(folder("other")).text())}
      {"prompt": "a", "top_p": 2, "seed": 1, "seed": 2}
      {"messages": []}
      {"chat": "no template"}
      {"prompt": "\(String(repeating: "a", count: 600))"}
      """)
    let (code, output, errors) = try requests(
      Self.rows, file, ["--adapter", folder("one/a"), "--adapter", folder("two/a")])
    #expect(code == 65 && output.isEmpty)
    for (line, words) in [
      (2, "unknown key \"promt\" - did you mean \"prompt\"?"), (2, "has none of"),
      (3, "has prompt and chat of"),
      (4, "\"max_new_tokens\" is 0, expected a whole number of at least 1"),
      (4, "\"temperature\": -1.0 is not a number >= 0"), (5, "not JSON: column"),
      (6, "is an array, not an object"), (7, "\"stop\" is an array, expected"),
      (8, "\"nobody\" is no folder with an adapter and none of the names base, a, a"),
      (9, "\"a\" is the name of"), (10, "trained over base"), (11, "\"seed\" stands there twice"),
      (11, "\"top_p\": 2.0 is outside"), (12, "\"messages\" is an array, expected"),
      (13, "no chat template"), (14, "600 tokens, the model's context holds 512"),
    ] {
      let isNamed = errors.split(separator: "\n").contains {
        $0.contains(":\(line): ") && $0.contains(words)
      }
      #expect(isNamed, "\(line) \(words)\n\(errors)")
    }
    #expect(!errors.contains("requests.jsonl:1:"))
    let empty = try folder.put("empty.jsonl", "\n\n")
    let (none, _, reason) = try requests(Self.rows, empty)
    #expect(none == 65 && reason.contains("no requests"))
  }

  @Test(arguments: [
    (["--prompt", "a", "--batch", "2"], Int32(64), "need --requests"),
    (["--prompt", "a", "--output", "x"], 64, "need --requests"),
    (["--requests", "x", "--batch", "9"], 64, "1...8"),
    (["--requests", "x", "--batch", "0"], 64, "1...8"),
    (["--requests", "x", "--prompt", "a"], 64, "one of"),
    (["--requests", "/none"], 66, "/none"),
  ])
  func wrongUse(arguments: [String], expected: Int32, words: String) throws {
    let (code, output, errors) = try CommandLineTests().run(
      ["generate", Self.rows] + arguments)
    #expect(code == expected && output.isEmpty && errors.contains(words), "\(errors)")
  }
}
