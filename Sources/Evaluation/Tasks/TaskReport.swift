package import JSONText

/// What an evaluation on tasks has given.
package struct TaskReport: Sendable {
  package var tasks: [Task]
  /// Wall clock, over all ranks.
  package var seconds: Double

  package typealias Metric = (metric: TaskDefinition.Metric, result: MetricValue)

  /// Results of a task.
  package struct Task: Sendable {
    /// `mmlu`, or `mmlu_astronomy` where that part was asked for.
    package var name: String
    package var split: TaskDefinition.Split
    package var shots: Int
    package var count: Int
    package var metrics: [Metric]
    /// More than one where the task is cut into parts.
    package var parts: [Part]
  }

  package struct Part: Sendable {
    package var name: String
    package var metrics: [Metric]
    package var samples: [TaskSample]
  }

  /// The mean over tasks of each metric that lies between 0 and 1, over the tasks that have it.
  package var means: [(metric: TaskDefinition.Metric, value: Double)] {
    TaskDefinition.Metric.allCases.filter { $0 != .perplexity }.compactMap { metric in
      let values = tasks.compactMap { task in
        task.metrics.first { $0.metric == metric }?.result.value
      }
      return values.isEmpty ? nil : (metric, values.reduce(0, +) / Double(values.count))
    }
  }
}

extension TaskReport.Task {
  /// - Parameter parts: the responses to the items of each part of `set`.
  init(_ set: TaskSet, parts responses: [[TaskResponse]]) {
    (name, split, shots) = (set.name, set.split, set.shots)
    let wanted = set.definition.metrics
    let parts = zip(set.parts, responses).map { part, responses in
      let samples = zip(part.items, responses).map { item, response in
        TaskSample(
          item: item, response: response,
          values: wanted.map { ($0, $0.value(response, to: item)) })
      }
      return TaskReport.Part(
        name: part.name,
        metrics: wanted.enumerated().map { index, metric in
          (metric, metric.summary(samples.map { $0.values[index].value }))
        }, samples: samples)
    }
    self.parts = parts
    count = parts.reduce(0) { $0 + $1.samples.count }
    metrics = wanted.enumerated().map { index, metric in
      guard parts.count > 1 else { return parts[0].metrics[index] }
      let results = parts.map { ($0.metrics[index].result, $0.samples.count) }
      return (metric, TaskDefinition.Metric.pooled(results))
    }
  }
}

extension TaskReport {
  /// `{"tasks": {"piqa": {"acc": ...}}, "mean": {...}, ...}` for `--json`.
  package var members: [JSONValue.Member] {
    let tasks = tasks.map { task in
      var members: [JSONValue.Member] = Self.members(task.metrics, count: task.count)
      members.append(.init(key: "split", value: .string(task.split.rawValue)))
      members.append(.init(key: "num_fewshot", value: .integer(task.shots)))
      if task.parts.count > 1 {
        let parts = task.parts.map {
          JSONValue.Member(
            key: $0.name, value: .object(Self.members($0.metrics, count: $0.samples.count)))
        }
        members.append(.init(key: "subtasks", value: .object(parts)))
      }
      return JSONValue.Member(key: task.name, value: .object(members))
    }
    let means = means.map { JSONValue.Member(key: $0.metric.rawValue, value: .real($0.value)) }
    return [
      .init(key: "tasks", value: .object(tasks)), .init(key: "mean", value: .object(means)),
      .init(key: "seconds", value: .real(seconds)),
    ]
  }

  private static func members(
    _ metrics: [Metric], count: Int
  ) -> [JSONValue.Member] {
    metrics.flatMap { metric, result in
      [
        JSONValue.Member(key: metric.rawValue, value: .real(result.value)),
        JSONValue.Member(
          key: "\(metric.rawValue)_stderr", value: result.error.map { .real($0) } ?? .null),
      ]
    } + [JSONValue.Member(key: "n", value: .integer(count))]
  }
}
