internal import JSONText

/// A record with what is asked of the model.
package struct TaskItem: Sendable {
  /// Its place in its subtask, from 0.
  package var number: Int
  package var document: TaskDocument
  /// Texts whose continuations are scored, or one prompt that is continued.
  package var requests: [TaskRequest]
  package var answer: TaskAnswer
}

package struct TaskRequest: Sendable, Equatable {
  package var context: String
  /// Empty where it is generated.
  package var continuation: String
}

/// What counts as right.
package enum TaskAnswer: Sendable, Equatable {
  /// Any of these choices; their texts are what lengths are taken of.
  case choice(Set<Int>, of: [String])
  /// The request's own continuation.
  case continuation
  /// Any of these texts.
  case texts([String])

  /// As lm-evaluation-harness names it in its files.
  func value(_ request: TaskRequest) -> JSONValue {
    switch self {
    case .choice(let indices, _):
      indices.count == 1
        ? .integer(indices.first ?? 0) : .array(indices.sorted().map { .integer($0) })
    case .continuation: .string(request.continuation)
    case .texts(let texts): texts.count == 1 ? .string(texts[0]) : .array(texts.map { .string($0) })
    }
  }
}
