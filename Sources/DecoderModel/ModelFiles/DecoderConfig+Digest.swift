internal import Checkpoints

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
      "rope_theta \(String(rope.theta.bitPattern, radix: 16))",
      "maximum_length \(maximumLength)",
    ]
    switch rope.scaling {
    case .none: break
    case .linear(let factor):
      lines.append("rope_linear \(String(factor.bitPattern, radix: 16))")
    case .llama3(let factor, let low, let high, let original):
      let numbers = [factor, low, high].map { String($0.bitPattern, radix: 16) }
      lines.append("rope_llama3 \(numbers.joined(separator: " ")) \(original)")
    case .yarn(let yarn):
      let numbers = [yarn.factor, yarn.attentionFactor, yarn.betaFast, yarn.betaSlow].map {
        String($0.bitPattern, radix: 16)
      }
      let edges = yarn.truncates ? "" : " exact_edges"
      lines.append("rope_yarn \(numbers.joined(separator: " ")) \(yarn.originalLength)\(edges)")
    }
    if tiedEmbeddings { lines.append("tied_embeddings") }
    if attentionBias { lines.append("attention_bias") }
    if let slidingWindow { lines.append("sliding_window \(slidingWindow)") }
    if queryKeyNorm { lines.append("query_key_norm") }
    if !unrotatedLayers.isEmpty {
      lines.append("unrotated_layers \(unrotatedLayers.map(String.init).joined(separator: " "))")
    }
    return lines.map { $0 + "\n" }.joined()
  }
}
