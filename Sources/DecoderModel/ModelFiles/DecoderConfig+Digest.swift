internal import Checkpoints
internal import Kernels

extension DecoderConfig {
  /// SHA-256 of what the configuration means, in hexadecimal.
  ///
  /// Two files `config.json` have one digest exactly if a decoder computes the same from them, in
  /// whatever order their keys are and whatever else they hold.
  package var digest: String { SHA256.hexDigest(of: Array(canonicalText.utf8)) }

  /// One line per value. A value that a later version of the program adds must be left out where it
  /// has the meaning that earlier versions took for granted, so that digests stay what they are.
  var canonicalText: String {
    var lines = [
      "model_type \(modelType)", "vocabulary \(vocabularySize)", "width \(hiddenSize)",
      "inner \(intermediateSize)", "layers \(layerCount)", "heads \(headCount)",
      "key_value_heads \(keyValueHeadCount)", "head_size \(headSize)",
      "epsilon \(String(normEpsilon.bitPattern, radix: 16))",
      "rope_theta \(Self.bits(rope.theta))",
      "maximum_length \(maximumLength)",
    ]
    lines += Self.lines(of: rope, named: "rope").dropFirst()
    if tiedEmbeddings { lines.append("tied_embeddings") }
    lines += block.biasLines
    if let slidingWindow { lines.append("sliding_window \(slidingWindow)") }
    lines += block.queryKeyNormLines
    if !unrotatedLayers.isEmpty { lines.append("unrotated_layers \(list(unrotatedLayers))") }
    if !globalLayers.isEmpty { lines.append("global_layers \(list(globalLayers))") }
    if let localRope { lines += Self.lines(of: localRope, named: "local_rope") }
    return (lines + block.canonicalLines + ends.canonicalLines).map { $0 + "\n" }.joined()
  }

  private func list(_ layers: [Int]) -> String { layers.map(String.init).joined(separator: " ") }

  private static func lines(of rope: RopeConfig, named name: String) -> [String] {
    let theta = "\(name)_theta \(bits(rope.theta))"
    switch rope.scaling {
    case .none: return [theta]
    case .linear(let factor): return [theta, "\(name)_linear \(bits(factor))"]
    case .llama3(let factor, let low, let high, let original):
      let numbers = [factor, low, high].map(bits)
      return [theta, "\(name)_llama3 \(numbers.joined(separator: " ")) \(original)"]
    case .yarn(let yarn):
      let numbers = [yarn.factor, yarn.attentionFactor, yarn.betaFast, yarn.betaSlow].map(bits)
      let edges = yarn.truncates ? "" : " exact_edges"
      return [
        theta, "\(name)_yarn \(numbers.joined(separator: " ")) \(yarn.originalLength)\(edges)",
      ]
    case .dynamic(let factor, let original):
      return [theta, "\(name)_dynamic \(bits(factor)) \(original)"]
    }
  }

  private static func bits(_ number: Double) -> String { String(number.bitPattern, radix: 16) }
}

extension BlockSpec {
  fileprivate var biasLines: [String] {
    guard biases != [.query, .key, .value] else { return ["attention_bias"] }
    let names = LinearKind.allCases.filter(biases.contains).map(\.rawValue)
    return names.isEmpty ? [] : ["biases \(names.joined(separator: " "))"]
  }

  fileprivate var queryKeyNormLines: [String] {
    switch queryKeyNorm {
    case .head: ["query_key_norm"]
    case .whole: ["query_key_norm whole"]
    case nil: []
    }
  }

  /// What else is not as in LLaMA, a line each.
  fileprivate var canonicalLines: [String] {
    let plain = BlockSpec()
    var lines: [String] = []
    func add(_ name: String, _ value: String?) {
      if let value { lines.append("\(name) \(value)") }
    }
    if norm == .layer { lines.append("layer_norm") }
    if placement != plain.placement { add("norms", placement.rawValue) }
    if residual == .parallel { lines.append("parallel_residual") }
    if sharesNorm { lines.append("one_norm") }
    add("score_scale", scoreScale.map { String($0.bitPattern, radix: 16) })
    add("score_cap", scoreCap.map { String($0.bitPattern, radix: 16) })
    add("rotated", rotatedSize.map(String.init))
    if activation != plain.activation { add("activation", activation.rawValue) }
    if !isGated { lines.append("no_gate") }
    if let experts {
      let weights = experts.normalizesWeights ? "normalized" : "plain"
      add("experts", "\(experts.count) \(experts.perToken) \(weights)")
    }
    return lines
  }
}

extension EndsSpec {
  fileprivate var canonicalLines: [String] {
    var lines: [String] = []
    func add(_ name: String, _ value: String?) {
      if let value { lines.append("\(name) \(value)") }
    }
    add("embedding_scale", embeddingScale.map { String($0.bitPattern, radix: 16) })
    add("embedding_width", embeddingWidth.map(String.init))
    add("positions", learnedPositions.map(String.init))
    if !finalNorm { lines.append("no_final_norm") }
    if outputBias { lines.append("output_bias") }
    add("logit_cap", logitCap.map { String($0.bitPattern, radix: 16) })
    return lines
  }
}
