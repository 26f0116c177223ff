extension DecoderConfig {
  /// Ranges of single numbers: far beyond any model, close enough that no product overflows.
  enum Limits {
    static let vocabulary = 1...(1 << 24)
    static let width = 1...(1 << 20)
    static let layers = 1...4096
    static let heads = 1...(1 << 14)
    static let headSize = 2...(1 << 14)
    static let length = 1...(1 << 30)
    static let epsilon = 1e-12...0.1
    static let theta = 1.0...1e12
    static let factor = 1e-3...1e6
    static let experts = 1...1024
    /// Linear layers of all blocks together.
    static let linears = 1 << 18
  }

  /// What does not fit together, in words; empty for a sound configuration.
  package func inconsistencies() -> [String] {
    var faults: [String] = []
    if headCount % keyValueHeadCount != 0 {
      faults.append(
        "\(headCount) attention heads cannot share \(keyValueHeadCount) key and value heads: "
          + "the first must be a multiple of the second")
    }
    if rotatedSize % 2 != 0 || rotatedSize > headSize {
      faults.append(
        "\(rotatedSize) of \(headSize) numbers of a head turn; expected an even number of them")
    }
    if layerCount * block.linearCount > Limits.linears {
      faults.append(
        "\(layerCount) blocks of \(block.linearCount) linear layers are more than any supported "
          + "model has")
    }
    faults += block.inconsistencies()
    if queryWidth > Limits.width.upperBound {
      faults.append("\(headCount) heads of \(headSize) are wider than any supported model")
    }
    if case .llama3(_, let low, let high, let original) = rope.scaling {
      if !(low < high) {
        faults.append("rope scaling: low_freq_factor \(low) must be below high_freq_factor \(high)")
      }
      if original > maximumLength {
        faults.append(
          "rope scaling: the original length \(original) is beyond the longest, \(maximumLength)")
      }
    }
    if case .yarn(let yarn) = rope.scaling { faults += yarn.inconsistencies(theta: rope.theta) }
    return faults
  }
}

extension BlockSpec {
  /// Choices that are not computed together, in words.
  fileprivate func inconsistencies() -> [String] {
    var faults: [String] = []
    if queryKeyNorm != nil, !biases.isDisjoint(with: [.query, .key]) {
      faults.append("norms of queries and keys behind biases are not supported")
    }
    if isGated, !biases.isDisjoint(with: [.gate, .up]) {
      faults.append("biases in a gated MLP are not supported")
    }
    if experts != nil, !biases.isDisjoint(with: mlpKinds) {
      faults.append("biases in experts are not supported")
    }
    if placement == .output || placement == .both,
      !biases.isDisjoint(with: [.attentionOutput, .down])
    {
      faults.append("biases before the norm of a branch's output are not supported")
    }
    if residual == .parallel, placement != .before || experts != nil {
      faults.append("parallel branches with norms behind them or with experts are not supported")
    }
    return faults
  }
}

extension RopeConfig.YaRN {
  /// What does not fit together, in words; empty where the ramp is one.
  func inconsistencies(theta: Double) -> [String] {
    var faults: [String] = []
    // Not so for NaN either.
    if !(0 < betaSlow && betaSlow < betaFast && betaFast.isFinite) {
      faults.append("rope scaling: beta_slow \(betaSlow) must be below beta_fast \(betaFast)")
    }
    if theta <= 1 { faults.append("rope scaling: yarn needs a rope_theta above 1") }
    return faults
  }
}
