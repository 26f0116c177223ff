internal import Checkpoints

extension [TaskSet] {
  /// SHA-256 of everything that is asked and of what counts as right: equal for sets of tasks that
  /// give the same scores.
  package var digest: String {
    var hash = SHA256()
    for set in self {
      hash.add(set.name)
      for metric in set.definition.metrics { hash.add(metric.rawValue) }
      let (maximum, until) = set.definition.generation
      for text in ["\(maximum)"] + until { hash.add(text) }
      for part in set.parts {
        hash.add(part.name)
        for item in part.items {
          for request in item.requests {
            hash.add(request.context)
            hash.add(request.continuation)
          }
          hash.add(item.answer.text)
        }
      }
    }
    return hash.hexDigest()
  }
}

extension SHA256 {
  /// A text behind its length, so that its end is no part of the next one.
  fileprivate mutating func add(_ text: String) {
    (UInt64(text.utf8.count).littleEndianBytes + text.utf8).withUnsafeBytes { update($0) }
  }
}

extension TaskAnswer {
  /// What tells it from others.
  fileprivate var text: String {
    switch self {
    case .choice(let right, let texts): "\(right.sorted()) \(texts)"
    case .continuation: ""
    case .texts(let texts): "\(texts)"
    }
  }
}
