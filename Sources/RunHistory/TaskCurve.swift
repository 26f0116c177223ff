internal import JSONText

/// What training has measured of a task by one metric, over steps.
package struct TaskCurve: Sendable, Equatable {
  package struct Point: Sendable, Equatable {
    package var step: Int
    package var value: Double
    /// Standard error; nil where there is none.
    package var error: Double?

    package init(step: Int, value: Double, error: Double?) {
      (self.step, self.value, self.error) = (step, value, error)
    }
  }

  package let task: String
  package let metric: String
  /// Steps rising; at least one.
  package fileprivate(set) var points: [Point]
}

extension TaskCurve {
  /// Behind the name of a score: the name of its standard error.
  package static let errorSuffix = "_stderr"

  /// The name of a metric of a task in a record.
  package static func name(_ task: String, _ metric: String) -> String { "\(task)/\(metric)" }

  /// Whether a member of a record is such a score, or the standard error of one.
  package static func isName(_ key: String) -> Bool { key.contains("/") }

  /// Task and metric of such a name; nil for any other.
  fileprivate static func parts(_ name: String) -> (task: String, metric: String)? {
    guard let slash = name.lastIndex(of: "/"), !name.hasSuffix(errorSuffix) else { return nil }
    let metric = name[name.index(after: slash)...]
    return slash == name.startIndex || metric.isEmpty
      ? nil : (String(name[..<slash]), String(metric))
  }

  /// More are not read.
  fileprivate static let mostCurves = 1000
}

extension [TaskCurve] {
  /// Takes the members of a record that are scores; they replace what stands at its step or beyond.
  mutating func add(_ record: JSONValue, step: Int) {
    for member in record.members ?? [] {
      guard let (task, metric) = TaskCurve.parts(member.key), let value = member.value.double
      else { continue }
      let error = record[member.key + TaskCurve.errorSuffix]?.double.flatMap { $0 >= 0 ? $0 : nil }
      let point = TaskCurve.Point(step: step, value: value, error: error)
      if let index = firstIndex(where: { $0.task == task && $0.metric == metric }) {
        self[index].points.removeAll { $0.step >= step }
        self[index].points.append(point)
      } else if count < TaskCurve.mostCurves {
        append(TaskCurve(task: task, metric: metric, points: [point]))
      }
    }
  }
}
