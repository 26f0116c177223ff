package import JSONText

/// A record with what is asked of the model.
package struct TaskItem: Sendable {
  /// Its place in its subtask, from 0.
  package var number: Int
  package var document: TaskDocument
  /// Texts whose continuations are scored, or one prompt that is continued.
  package var requests: [TaskRequest]
  package var answer: TaskAnswer
  /// The answer as lm-evaluation-harness names it: the index of a choice, or a text.
  package var target: JSONValue
}

package struct TaskRequest: Sendable, Equatable {
  package var context: String
  /// Empty where it is generated.
  package var continuation: String

  package init(context: String, continuation: String) {
    (self.context, self.continuation) = (context, continuation)
  }
}

/// What counts as right.
package enum TaskAnswer: Sendable, Equatable {
  /// Any of these choices; their texts are what lengths are taken of.
  case choice(Set<Int>, of: [String])
  /// The request's own continuation.
  case continuation
  /// Any of these texts.
  case texts([String])
}
