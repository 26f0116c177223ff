/// How the next token is drawn; names and meaning as in Hugging Face's generation.
package struct SamplingSettings: Sendable, Equatable {
  /// 0 takes the most probable token.
  package var temperature: Double
  /// Only the k most probable tokens; 0 for all.
  package var topK: Int
  /// Only the smallest set of most probable tokens that holds this probability; 1 for all.
  package var topP: Double
  /// Only tokens at least this part as probable as the most probable one; 0 for all.
  package var minP: Double
  /// Divides positive and multiplies negative logits of tokens in the prompt or the answer; 1 off.
  package var repetitionPenalty: Double
  package var seed: UInt64

  /// - Throws: `.badSetting` with the flag to change.
  package init(
    temperature: Double = 0, topK: Int = 0, topP: Double = 1, minP: Double = 0,
    repetitionPenalty: Double = 1, seed: UInt64 = 42
  ) throws(EvaluationError) {
    (self.temperature, self.topK, self.topP) = (temperature, topK, topP)
    (self.minP, self.repetitionPenalty, self.seed) = (minP, repetitionPenalty, seed)
    func require(_ holds: Bool, _ flag: String, _ reason: String) throws(EvaluationError) {
      guard holds else { throw .badSetting(flag: flag, reason: reason) }
    }
    try require(
      temperature.isFinite && temperature >= 0, "--temperature",
      "\(temperature) is not a number >= 0; 0 takes the most probable token, 0.7 is usual")
    try require(topK >= 0, "--top-k", "\(topK) is negative; 0 turns it off, 50 is usual")
    try require(
      topP > 0 && topP <= 1, "--top-p",
      "\(topP) is outside 0...1 (0 excluded); 1 turns it off, 0.9 is usual")
    try require(
      minP >= 0 && minP <= 1, "--min-p",
      "\(minP) is outside 0...1; 0 turns it off, 0.05 is usual")
    try require(
      repetitionPenalty >= 0.01 && repetitionPenalty <= 100, "--repetition-penalty",
      "\(repetitionPenalty) is outside 0.01...100; 1 turns it off, 1.1 is usual")
  }

  package var isGreedy: Bool { temperature == 0 }

  /// Flags that were set but do nothing at temperature 0.
  package var flagsWithoutEffect: [String] {
    guard isGreedy else { return [] }
    return [(topK != 0, "--top-k"), (topP != 1, "--top-p"), (minP != 0, "--min-p")]
      .filter(\.0).map(\.1)
  }
}
