package import JSONText
internal import RunHistory

/// One evaluation on tasks, as `peqa eval --tasks NAMES --json` prints it.
package struct TaskResults: Sendable, Equatable {
  /// Nil where the base was measured.
  package var adapter: String?
  package var values: [Value]

  package struct Value: Sendable, Equatable {
    package var task: String
    package var metric: String
    package var value: Double
    /// Standard error; nil where there is none.
    package var error: Double?
    /// Items; nil where that is not known.
    package var count: Int?
  }

  /// Nil where this is no such result.
  package init?(_ json: JSONValue) {
    guard let tasks = json["tasks"]?.members else { return nil }
    adapter = json["adapter"]?.string
    values = tasks.prefix(1000).flatMap { task -> [Value] in
      let count = task.value["n"]?.count
      return (task.value.members ?? []).prefix(100).compactMap { metric in
        let isMetric = task.value[metric.key + TaskCurve.errorSuffix] != nil
        guard isMetric, let value = metric.value.double else { return nil }
        let error = task.value[metric.key + TaskCurve.errorSuffix]?.double
        return Value(
          task: task.key, metric: metric.key, value: value,
          error: error.flatMap { $0 >= 0 ? $0 : nil }, count: count)
      }
    }
  }
}
