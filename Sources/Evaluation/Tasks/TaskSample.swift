internal import Checkpoints
package import JSONText

/// An item with what the model has said to it.
package struct TaskSample: Sendable {
  package var item: TaskItem
  package var response: TaskResponse
  /// What it adds to each metric.
  package var values: [(metric: TaskDefinition.Metric, value: Double)]

  /// In the form of lm-evaluation-harness, but with numbers where it writes
  /// them as texts.
  package var value: JSONValue {
    let arguments = item.requests.enumerated().map { index, request in
      let texts = [("arg_0", request.context), ("arg_1", request.continuation)]
      return JSONValue.Member(
        key: "gen_args_\(index)",
        value: .object(texts.map { .init(key: $0.0, value: .string($0.1)) }))
    }
    let responses: [JSONValue] =
      switch response {
      case .text(let text): [.string(text)]
      case .scores(let scores): scores.map { [.real($0.logLikelihood), .bool($0.isGreedy)] }
      }
    var members: [(String, JSONValue)] = [
      ("doc_id", .integer(item.number)), ("doc", item.document.value),
      ("target", item.target), ("arguments", .object(arguments)),
      ("resps", .array(responses.map { [$0] })), ("filtered_resps", .array(responses)),
      ("filter", "none"), ("metrics", .array(values.map { .string($0.metric.rawValue) })),
    ]
    members += values.map { ($0.metric.rawValue, .real($0.value)) }
    return .object(members.map { .init(key: $0.0, value: $0.1) })
  }
}

extension TaskReport {
  /// Makes the folder of samples, and sees that files can be made in it.
  package static func makeFolder(_ folder: String) throws {
    try Folder.make(folder)
    // Not committed, so nothing is left of it.
    _ = try PendingFile(path: "\(folder)/samples.jsonl", size: 0, overwrite: true)
  }

  /// Writes `samples_TASK.jsonl` of every task or part into a folder, each whole or not at all.
  package func writeSamples(to folder: String) throws {
    try Folder.make(folder)
    for part in tasks.flatMap(\.parts) {
      let text = part.samples.map { $0.value.text() + "\n" }.joined()
      try AtomicFile.write(text, to: "\(folder)/samples_\(part.name).jsonl")
    }
  }
}
