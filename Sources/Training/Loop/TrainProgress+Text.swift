internal import Foundation
internal import Machine
internal import Reporting

extension TrainProgress {
  /// The figures of a step in one line, without its number and the time left.
  package var facts: String {
    var parts = [
      "loss \(fixed(loss, digits: 4))", "lr \(Self.scientific(learningRate))",
      "norm \(fixed(gradientNorm, digits: 3))", "\(Int(tokensPerSecond.rounded())) tok/s",
    ]
    if let memory {
      parts.append("\(memory.privateBytes >> 20) MB private, \(memory.sharedBytes >> 20) MB shared")
    }
    return parts.joined(separator: "  ")
  }

  private static func scientific(_ value: Double) -> String {
    value.formatted(
      .number.notation(.scientific).precision(.fractionLength(2)).locale(
        Locale(identifier: "en_US_POSIX"))
    ).lowercased()
  }
}
