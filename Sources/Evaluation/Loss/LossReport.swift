internal import Foundation
package import JSONText

/// A measured loss.
package struct LossReport: Sendable, Equatable {
  /// Mean over predictions, in nats.
  package var loss: Double
  /// Predictions.
  package var tokens: Int
  /// Windows or sequences.
  package var items: Int
  /// Wall clock, over all ranks.
  package var seconds: Double

  package init(loss: Double, tokens: Int, items: Int, seconds: Double) {
    self.loss = loss
    self.tokens = tokens
    self.items = items
    self.seconds = seconds
  }

  /// exp(loss).
  package var perplexity: Double { exp(loss) }

  /// Predictions a second, all ranks together.
  package var tokensPerSecond: Double { seconds > 0 ? Double(tokens) / seconds : 0 }

  /// Members for `--json`; `itemKey` is `windows` or `sequences`.
  package func members(itemKey: String) -> [JSONValue.Member] {
    let values: [(String, JSONValue)] = [
      ("perplexity", .real(perplexity)), ("loss", .real(loss)), ("tokens", .integer(tokens)),
      (itemKey, .integer(items)), ("seconds", .real(seconds)),
      ("tokens_per_second", .real(tokensPerSecond)),
    ]
    return values.map { JSONValue.Member(key: $0.0, value: $0.1) }
  }
}
