internal import DecoderModel
internal import Kernels
package import Training

/// What a run evaluates between its steps, as far as memory depends on it.
package struct EvaluationSize: Sendable, Equatable {
  /// Tokens of the longest held-out sequence; 0 without any.
  package var heldOut = 0
  /// Tokens whose keys and values are kept for tasks; nil where none are measured.
  package var cached: Int?

  package init() {}

  /// - Parameters:
  ///   - heldOut: nil takes held-out sequences to be as long as they may be.
  ///   - cached: nil takes prompts of tasks to be one pass long.
  package init(_ run: RunConfig, heldOut: Int? = nil, cached: Int? = nil) {
    let evaluates = !run.evalDatasets.isEmpty || run.valSetSize > 0
    self.heldOut = evaluates ? heldOut ?? run.maxSequenceLength : 0
    self.cached = run.taskEvaluation.tasks.isEmpty ? nil : cached ?? Decoder.scoredTokens
  }

  /// The passes forward, by the decoder that makes `pass`: one sequence at a time, and never by
  /// integers.
  func passes(like pass: PassShape) -> [PassShape] {
    [heldOut, cached == nil ? 0 : Decoder.scoredTokens].filter { $0 > 0 }.map { tokens in
      var forward = pass
      (forward.tokens, forward.sequences, forward.purpose) = (tokens, 1, .forward)
      forward.arithmetic.multipliesIntegers = false
      return forward
    }
  }
}
