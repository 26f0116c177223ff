import Evaluation
import Foundation
import JSONText
import Testing
import Tokenization

/// Prompts of the shipped tasks are byte for byte those of lm-evaluation-harness
/// (`Fixtures/make_task_goldens.py`).
@Suite struct TaskPromptTests {
  static let folder = Bundle.module.url(forResource: "Fixtures/tasks", withExtension: nil)!
  static let data = TaskData(folder: folder.appending(path: "data").path)

  private static func golden() throws -> JSONValue {
    let text = try String(
      contentsOf: folder.appending(path: "prompts.json"), encoding: .utf8)
    return try JSONValue(parsing: text)
  }

  @Test(arguments: [
    "piqa", "arc_easy", "arc_challenge", "hellaswag", "openbookqa", "winogrande", "boolq", "mmlu",
    "lambada", "super_ni",
  ])
  func prompts(task: String) throws {
    let golden = try Self.golden()
    var compared = 0
    for shots in [0, 2, 3, 7] {
      let wanted = task == "super_ni" ? [0, 2] : task == "piqa" ? [0, 3, 7] : [0, 3]
      guard wanted.contains(shots) else { continue }
      let set = try TaskSet.load(task, from: Self.data, shots: shots)
      for part in set.parts {
        let items = try #require(golden["\(part.name) \(shots)"]?.array, "\(part.name)")
        #expect(part.items.count == items.count)
        for (own, other) in zip(part.items, items) {
          compare(own, other, "\(part.name) \(shots) \(own.number)")
          compared += 1
        }
      }
    }
    #expect(compared >= 8)
  }

  private func compare(_ own: TaskItem, _ other: JSONValue, _ place: String) {
    let contexts = (other["contexts"]?.array ?? []).compactMap(\.string)
    let requests = (other["requests"]?.array ?? []).map {
      TaskRequest(context: contexts[$0[0]?.int ?? 0], continuation: $0[1]?.string ?? "?")
    }
    #expect(own.requests == requests, "\(place)")
    #expect(own.target == other["target"], "\(place)")
    if case .choice(let right, _) = own.answer {
      #expect(right == [other["right"]?.int ?? other["target"]?.int ?? -1], "\(place)")
    }
  }

  /// What keys and values are kept of, against all items one by one. The text with most bytes need
  /// not have most tokens, but hardly fewer.
  @Test(arguments: ["piqa", "super_ni"]) func cachedTokens(task: String) throws {
    let base = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "DecoderModelTests/Fixtures/llama_4bit_row")
    let tokenizer = try Tokenizer.load(from: base.path)
    let (limit, shots) = (4096, task == "piqa" ? 3 : 0)
    let sets = try TaskSet.load([task], from: Self.data, shots: shots)
    let encoder = ContinuationEncoder(tokenizer, maximumLength: limit)
    let lengths = try sets[0].parts.flatMap(\.items).flatMap { item in
      try item.requests.map { request in
        task == "piqa"
          ? try encoder.row(request, item: "").tokens.count - 1
          : 8 * (encoder.prompt(request.context, maximum: 128).count + 128)
      }
    }
    let most = try #require(lengths.max())
    let found = try sets.cachedTokens(tokenizer, maximumLength: limit)
    #expect(found <= most && found * 10 >= most * 9)
    #expect(try sets.cachedTokens(tokenizer, maximumLength: 200) <= 8 * 200)
  }

  @Test func limitsAndParts() throws {
    let set = try TaskSet.load(
      ["mmlu/anatomy", "hellaswag"], from: Self.data, shots: 1, limit: 2)
    #expect(set.map { $0.parts.map(\.name) } == [["mmlu_anatomy"], ["hellaswag"]])
    #expect(set.map(\.itemCount) == [2, 2])
    let parts = try TaskSet.load(["mmlu/anatomy", "mmlu/high_school_biology"], from: Self.data)
    #expect(parts.map(\.name) == ["mmlu_anatomy", "mmlu_high_school_biology"])
    #expect(set[0].split == .test && set[1].split == .validation)
    #expect(throws: TaskError.self) {
      try TaskSet.load(["piqa", "piqa"], from: Self.data)
    }
    #expect(throws: TaskError.self) {
      try TaskSet.load(["mmlu", "mmlu/anatomy"], from: Self.data)
    }
    #expect(throws: TaskError.self) { try TaskSet.load("mmlu/alchemy", from: Self.data) }
    #expect(throws: TaskError.self) { try TaskSet.load("piqa/a", from: Self.data) }
  }
}
