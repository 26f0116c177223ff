internal import Foundation

extension TaskDefinition.Metric {
  /// What an item adds to the metric: its mean is taken over items.
  func value(_ response: TaskResponse, to item: TaskItem) -> Double {
    switch (response, item.answer) {
    case (.scores(let scores), .choice(let right, let choices)):
      let lengths = choices.map { length(of: $0) }
      let values = zip(scores, lengths).map { $0.logLikelihood / $1 }
      return right.contains(Self.largest(values)) ? 1 : 0
    case (.scores(let scores), _):
      return self == .perplexity
        ? scores[0].logLikelihood : scores[0].isGreedy ? 1 : 0
    case (.text(let text), .texts(let references)):
      return references.map { reference in
        self == .rougeL
          ? RougeL.fMeasure(of: text, against: reference)
          : ExactMatch.normalized(text) == ExactMatch.normalized(reference) ? 1 : 0
      }.max() ?? 0
    case (.text, _): return 0
    }
  }

  /// What the log-likelihood of a choice is divided by.
  private func length(of choice: String) -> Double {
    switch self {
    case .accuracyPerCharacter: Double(choice.unicodeScalars.count)
    case .accuracyPerByte: Double(choice.utf8.count)
    default: 1
    }
  }

  /// The first of equal ones.
  private static func largest(_ values: [Double]) -> Int {
    values.indices.reduce(0) { values[$1] > values[$0] ? $1 : $0 }
  }

  /// The metric of the items' values, with its standard error: that of the mean, from the sample's
  /// variance; of a perplexity carried over by its derivative. Nil for fewer than two items.
  package func summary(_ values: [Double]) -> MetricValue {
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let error = values.count > 1 ? (squares / (count - 1)).squareRoot() / count.squareRoot() : nil
    guard self == .perplexity else { return MetricValue(value: mean, error: error) }
    return MetricValue(value: exp(-mean), error: error.map { $0 * exp(-mean) })
  }

  /// The metric of a task from those of its parts: weighted by their sizes, with the pooled error
  /// of lm-evaluation-harness.
  package static func pooled(_ parts: [(value: MetricValue, count: Int)]) -> MetricValue {
    let total = Double(parts.reduce(0) { $0 + $1.count })
    let value = parts.reduce(0) { $0 + $1.value.value * Double($1.count) } / total
    let errors = parts.compactMap(\.value.error)
    let freedom = total - Double(parts.count)
    guard errors.count == parts.count, freedom > 0 else { return MetricValue(value: value) }
    let variance =
      zip(parts, errors).reduce(0) { sum, part in
        let count = Double(part.0.count)
        return sum + (count - 1) * part.1 * part.1 * count
      } / freedom
    return MetricValue(value: value, error: (variance / total).squareRoot())
  }
}

/// A metric and its standard error.
package struct MetricValue: Sendable, Equatable {
  package var value: Double
  package var error: Double?

  package init(value: Double, error: Double? = nil) { (self.value, self.error) = (value, error) }
}

/// Whether two texts are the same but for case, ASCII punctuation and white space: the exact match
/// of Super-NaturalInstructions.
enum ExactMatch {
  static func normalized(_ text: String) -> String {
    let kept = text.lowercased().unicodeScalars.filter {
      !($0.isASCII && ($0.properties.isPunctuation || "$+<=>^`|~".unicodeScalars.contains($0)))
    }
    return String(String.UnicodeScalarView(kept))
      .split { $0.unicodeScalars.allSatisfy(\.properties.isWhitespace) }
      .joined(separator: " ")
  }
}

extension Unicode.Scalar.Properties {
  fileprivate var isPunctuation: Bool {
    switch generalCategory {
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
      .initialPunctuation, .finalPunctuation, .otherPunctuation:
      true
    default: false
    }
  }
}
