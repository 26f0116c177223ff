internal import Kernels

/// Rotary position embedding: pair i of a head turns by `position * frequency(i)`.
package struct RopeConfig: Sendable, Equatable {
  package var theta: Double
  package var scaling: Scaling

  /// How frequencies are stretched for long contexts.
  package enum Scaling: Sendable, Equatable {
    case none
    /// Positions divided by `factor`.
    case linear(factor: Double)
    /// LLaMA 3.1: low frequencies divided by `factor`, high ones kept, smooth in between.
    case llama3(
      factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double, originalLength: Int)
    case yarn(YaRN)
    /// Frequencies stretch with the sequence once it is longer than `originalLength` ("dynamic
    /// NTK"): those of the base theta (factor * length / originalLength - factor + 1)^(d / (d - 2))
    /// for heads of d rotated numbers.
    case dynamic(factor: Double, originalLength: Int)
  }

  /// YaRN (Peng et al., arXiv 2309.00071): pairs that turn often over the original length are kept,
  /// those that turn seldom are divided by `factor`, with a ramp over the pairs between.
  package struct YaRN: Sendable, Equatable {
    package var factor: Double
    /// Cosines and sines are multiplied by it, so that scores are by its square.
    package var attentionFactor: Double
    /// Turns over the original length at which the ramp begins and ends.
    package var betaFast: Double
    package var betaSlow: Double
    package var originalLength: Int
    /// Whether the ramp begins and ends at whole pairs.
    package var truncates: Bool

    package init(
      factor: Double, attentionFactor: Double, betaFast: Double = 32, betaSlow: Double = 1,
      originalLength: Int, truncates: Bool = true
    ) {
      (self.factor, self.attentionFactor) = (factor, attentionFactor)
      (self.betaFast, self.betaSlow) = (betaFast, betaSlow)
      (self.originalLength, self.truncates) = (originalLength, truncates)
    }

    /// What the paper recommends: 0.1 ln(factor) + 1.
    package static func attentionFactor(_ factor: Double, scale: Double = 1) -> Double {
      factor <= 1 ? 1 : 0.1 * scale * Elementary.log(factor) + 1
    }

    /// The part of the plain frequency of a pair that is kept, from 0 to 1.
    func kept(pair: Int, theta: Double, rotated: Int) -> Double {
      func pairTurning(_ turns: Double) -> Double {
        Double(rotated) * Elementary.log(Double(originalLength) / (turns * 2 * .pi))
          / (2 * Elementary.log(theta))
      }
      var (low, high) = (pairTurning(betaFast), pairTurning(betaSlow))
      if truncates { (low, high) = (low.rounded(.down), high.rounded(.up)) }
      (low, high) = (max(low, 0), min(high, Double(rotated - 1)))
      if low == high { high += 0.001 }
      return 1 - min(max((Double(pair) - low) / (high - low), 0), 1)
    }
  }

  package init(theta: Double = 10_000, scaling: Scaling = .none) {
    self.theta = theta
    self.scaling = scaling
  }
}
