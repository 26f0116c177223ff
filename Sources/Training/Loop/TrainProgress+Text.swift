internal import Foundation

extension TrainProgress {
  /// The figures of a step in one line, without its number and the time left.
  package var facts: String {
    var parts = [
      "loss \(Self.fixed(loss, 4))", "lr \(Self.scientific(learningRate))",
      "norm \(Self.fixed(gradientNorm, 3))", "\(Int(tokensPerSecond.rounded())) tok/s",
    ]
    if let memory {
      parts.append("\(memory.privateBytes >> 20) MB private, \(memory.sharedBytes >> 20) MB shared")
    }
    return parts.joined(separator: "  ")
  }

  private static let plain = Locale(identifier: "en_US_POSIX")

  private static func fixed(_ value: Double, _ digits: Int) -> String {
    value.formatted(
      .number.precision(.fractionLength(digits)).grouping(.never).locale(plain))
  }

  private static func scientific(_ value: Double) -> String {
    value.formatted(
      .number.notation(.scientific).precision(.fractionLength(2)).locale(plain)
    ).lowercased()
  }
}
