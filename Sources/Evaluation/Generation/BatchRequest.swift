internal import DecoderModel

/// One prompt of a batch, and how it is to be continued.
package struct BatchRequest: Sendable {
  package var prompt: [Int32]
  /// Index of its task among those of the batch.
  package var task: Int
  /// Tokens at most.
  package var maximum: Int
  package var sampling: SamplingSettings
  package var stopStrings: [String]

  package init(
    prompt: [Int32], task: Int = 0, maximum: Int, sampling: SamplingSettings,
    stopStrings: [String] = []
  ) {
    (self.prompt, self.task, self.maximum) = (prompt, task, maximum)
    (self.sampling, self.stopStrings) = (sampling, stopStrings)
  }

  /// Tokens that it can make a model remember, of at most `limit`.
  package func contextLength(limit: Int) -> Int {
    let wanted = prompt.count.addingReportingOverflow(maximum)
    return min(limit, wanted.overflow ? .max : wanted.partialValue)
  }
}

/// What a batch has said to one request.
package struct BatchAnswer: Sendable {
  package var text: String
  /// `decodeSeconds` are those of the steps that it took part in.
  package var report: GenerationReport
}

/// A request that could not be answered; those before it have been.
package struct BatchFailure: Error {
  package var request: Int
  package var reason: any Error
}

/// How fast a batch went.
package struct BatchReport: Sendable, Equatable {
  package var promptTokens = 0
  package var promptSeconds = 0.0
  /// Steps of decoding, of one token for each sequence that was active.
  package var steps = 0
  /// Tokens that those steps read.
  package var decodeTokens = 0
  /// Of the steps, sampling included.
  package var decodeSeconds = 0.0

  package init() {}

  package var promptTokensPerSecond: Double {
    promptSeconds > 0 ? Double(promptTokens) / promptSeconds : 0
  }

  package var tokensPerSecond: Double {
    decodeSeconds > 0 ? Double(decodeTokens) / decodeSeconds : 0
  }

  /// Sequences in a step, on average.
  package var sequencesPerStep: Double { steps > 0 ? Double(decodeTokens) / Double(steps) : 0 }
}

/// Which requests may be in a batch together.
package struct BatchPlan {
  /// Requests of one round after the other, in their order: first those whose tasks share their
  /// products, then for each other task its own.
  package let rounds: [[Int]]

  init(_ requests: [BatchRequest], tasks: [RowFactors]) {
    var sharing: [Int] = []
    var own: [Int: [Int]] = [:]
    for (index, request) in requests.enumerated() {
      if tasks[request.task].obstacle == nil {
        sharing.append(index)
      } else {
        own[request.task, default: []].append(index)
      }
    }
    rounds = ([sharing] + own.sorted { $0.key < $1.key }.map(\.value)).filter { !$0.isEmpty }
  }
}
