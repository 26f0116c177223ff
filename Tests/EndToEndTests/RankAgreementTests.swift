import Foundation
import Kernels
import TestSupport
import Testing

/// Two ranks whose files differ, as on hosts with other copies: each is refused before the first
/// step, with the name of what differs.
///
/// Each rank starts in a folder of its own, and the run file names files below `/proc/self/cwd`, so
/// that one path means two copies.
@Suite struct RankAgreementTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    for host in ["a", "b"] {
      let own = folder.file(host)
      try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
      try FileManager.default.copyItem(
        at: URL(filePath: Program.base), to: own.appending(path: "base"))
      try folder.write(TemporaryFolder.text, to: "\(host)/text.txt")
      try folder.write(Self.chats, to: "\(host)/chats.jsonl")
      try folder.write(
        "{% for m in messages %}{{ m.content }}{% endfor %}", to: "\(host)/base/chat_template.jinja"
      )
    }
    try folder.write(
      """
      model: /proc/self/cwd/base
      datasets:
        - {path: /proc/self/cwd/text.txt, type: text}
        - {path: /proc/self/cwd/chats.jsonl, type: chat}
      eval_datasets: [{path: /proc/self/cwd/text.txt, type: text}]
      max_seq_length: 96
      global_batch_size: 4
      max_steps: 2
      dataset_cache: /proc/self/cwd/cache
      output_dir: \(folder.file("run").path)

      """, to: "run.yaml")
  }

  private static let chats = (0..<20).map {
    #"{"messages": [{"role": "user", "content": "What is \#($0)?"}, "#
      + #"{"role": "assistant", "content": "It is \#($0 * $0)."}]}"# + "\n"
  }.joined()

  private func train(
    _ flags: [String] = [], firstRank: [String] = [], secondRank: [String] = []
  ) throws -> (code: Int32, text: String, seconds: Double) {
    let begin = Date()
    let command = [Program.peqa, "train", folder.file("run.yaml").path] + flags
    let result = try Program.run(
      program: Program.mpirun,
      ["-np", "1", "-wdir", folder.file("a").path] + firstRank + command
        + [":", "-np", "1", "-wdir", folder.file("b").path] + secondRank + command,
      environment: ["PEQA_NUM_THREADS": "1"])
    return (result.status, result.standardError, Date().timeIntervalSince(begin))
  }

  @Test func sameCopiesAreAccepted() throws {
    let end = try train()
    #expect(end.code == 0, "\(end.text)")
  }

  /// Unlike kernels on the ranks of one job, and each of them on all: one adapter.
  @Test(arguments: ["fp32", "int8"])
  func portableRanksMayDiffer(dtype: String) throws {
    let names = ["scalar", "avx2", "avx512vnni"].filter { name in
      InstructionSet.available.contains { $0.rawValue == name }
    }
    var adapters: [Data] = []
    for pair in [(0, 0), (0, names.count - 1), (names.count - 1, 1)] {
      let output = folder.file("portable\(adapters.count)")
      let end = try train(
        ["--deterministic", "portable", "--dtype", dtype, "--output-dir", output.path],
        firstRank: ["-x", "PEQA_KERNELS=\(names[pair.0])"],
        secondRank: ["-x", "PEQA_KERNELS=\(names[pair.1])"])
      #expect(end.code == 0, "\(end.text)")
      adapters.append(try Data(contentsOf: output.appending(path: "adapter_model.safetensors")))
    }
    #expect(adapters.count == 3 && Set(adapters).count == 1)
  }

  /// What another host may have otherwise, and how the message calls it.
  enum Difference: String, CaseIterable, Sendable {
    case dataEdited, dataLonger, tokenizer, template, config, base, kernels

    var name: String {
      switch self {
      case .dataEdited, .dataLonger: "set of training data"
      case .tokenizer: "tokenizer"
      case .template: "chat template"
      case .config: "config.json"
      case .base: "base"
      case .kernels: "kind of kernels"
      }
    }

    var code: Int32 { self == .kernels ? 78 : 65 }
  }

  @Test(arguments: Difference.allCases)
  func otherCopiesAreRefused(_ difference: Difference) throws {
    let own = folder.file("b")
    func edit(_ name: String, _ old: String, _ new: String) throws {
      let url = own.appending(path: name)
      let text = try String(contentsOf: url, encoding: .utf8)
      let edited = text.replacingOccurrences(of: old, with: new)
      #expect(edited != text)
      try edited.write(to: url, atomically: true, encoding: .utf8)
    }
    var options: [String] = []
    switch difference {
    case .dataEdited: try edit("text.txt", "square of 500", "square of 501")
    case .dataLonger: try edit("chats.jsonl", "It is 4.", "It is 4, of course.")
    case .tokenizer: try edit("base/tokenizer.json", "\"lstrip\":false", "\"lstrip\":true")
    case .template: try edit("base/chat_template.jinja", "}}{%", "}} {%")
    case .config: try edit("base/config.json", "10000", "500000")
    case .base: try edit("base/peqa_base.json", "\"base_sha256\": \"b4", "\"base_sha256\": \"b5")
    case .kernels:
      options = ["-x", "PEQA_KERNELS=\(Program.otherKernels)"]
    }
    let end = try train(secondRank: options)
    #expect(end.code == difference.code, "\(end.text)")
    #expect(end.text.contains("has another \(difference.name) than"), "\(end.text)")
    #expect(end.text.contains("rank 1 on"), "\(end.text)")
    #expect(end.seconds < 10, "refused within ten seconds")
    #expect(!FileManager.default.fileExists(atPath: folder.file("run/checkpoint-2").path))
  }
}

/// A base that is changed in place while a run uses it.
@Suite struct ChangedBaseTests {
  @Test(arguments: [true, false])
  func changeIsNoticedBeforeAnythingIsSaved(keepsTimes: Bool) async throws {
    let run = try DisturbedRun()
    let base = run.folder.file("base")
    try FileManager.default.copyItem(at: URL(filePath: Program.base), to: base)
    let file = base.appending(path: "base.safetensors")
    let end = try await run.disturbed(
      ranks: 2, ["--model", base.path], begun: run.hasMade("checkpoint-10")
    ) { _, _ in
      var times = stat()
      stat(file.path, &times)
      let handle = try FileHandle(forUpdating: file)
      try handle.seek(toOffset: try handle.seekToEnd() - 1000)
      try handle.write(contentsOf: Data(repeating: 0x11, count: 64))
      try handle.close()
      guard keepsTimes else { return }
      let kept = [times.st_atim, times.st_mtim]
      utimensat(AT_FDCWD, file.path, kept, 0)
    }
    #expect(end.code == 65, "\(end.text)")
    #expect(end.text.contains("base.safetensors"), "\(end.text)")
    #expect(!run.exists("adapter_config.json"), "no adapter names the old base")
  }

  /// Times may change without the contents.
  @Test func touchingIsNoChange() async throws {
    let run = try DisturbedRun()
    let base = run.folder.file("base")
    try FileManager.default.copyItem(at: URL(filePath: Program.base), to: base)
    let end = try await run.disturbed(
      ranks: nil, ["--model", base.path, "--max-steps", "60"], begun: run.hasMade("checkpoint-10")
    ) { _, _ in
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: 1e9)],
        ofItemAtPath: base.appending(path: "base.safetensors").path)
    }
    #expect(end.code == 0, "\(end.text)")
  }
}
