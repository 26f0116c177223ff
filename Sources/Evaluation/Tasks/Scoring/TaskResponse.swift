internal import Checkpoints

/// What the model has said to an item.
package enum TaskResponse: Sendable, Equatable {
  /// Of each request.
  case scores([ChoiceScore])
  case text(String)

  /// As ranks send them: the length of a text and its bytes, or the bits of each log-likelihood and
  /// a 1 for greedy.
  static func encode(_ responses: [TaskResponse]) -> [UInt8] {
    var bytes: [UInt8] = []
    for response in responses {
      switch response {
      case .text(let text):
        bytes.append(littleEndian: UInt64(text.utf8.count))
        bytes += text.utf8
      case .scores(let scores):
        for score in scores {
          bytes.append(littleEndian: score.logLikelihood.bitPattern)
          bytes.append(littleEndian: score.isGreedy ? 1 : 0 as UInt64)
        }
      }
    }
    return bytes
  }

  /// The responses to `items`.
  static func decode(
    _ bytes: [UInt8], like items: ArraySlice<TaskItem>
  ) throws(EvaluationError) -> [TaskResponse] {
    var rest = bytes[...]
    var responses: [TaskResponse] = []
    for item in items {
      guard let response = response(to: item, &rest) else { throw .badAnswers(rank: 0) }
      responses.append(response)
    }
    return responses
  }

  private static func response(
    to item: TaskItem, _ rest: inout ArraySlice<UInt8>
  ) -> TaskResponse? {
    if case .texts = item.answer {
      guard let count = rest.popLittleEndian(), count <= rest.count else { return nil }
      defer { rest = rest.dropFirst(Int(count)) }
      return .text(String(decoding: rest.prefix(Int(count)), as: UTF8.self))
    }
    var scores: [ChoiceScore] = []
    for _ in item.requests {
      guard let bits = rest.popLittleEndian(), let isGreedy = rest.popLittleEndian() else {
        return nil
      }
      scores.append(
        ChoiceScore(logLikelihood: Double(bitPattern: bits), isGreedy: isGreedy == 1))
    }
    return .scores(scores)
  }
}
