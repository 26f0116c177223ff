package import JSONText

/// The figures of a finished run: `train_results.json`.
package struct RunResults: Sendable, Equatable {
  package var step: Int
  package var epoch: Double
  package var reason: RunEnd.Reason
  /// Of the last logged steps.
  package var trainLoss: Double?
  package var evalLoss: Double?
  package var bestMetric: Double?
  /// Seconds over all attempts.
  package var runtime: Double
  package var tokensPerSecond: Double
  package var inputTokens: Int
  package var supervisedTokens: Int
  /// SHA-256 of the adapter's weights; empty where the file does not say.
  package var adapterDigest: String

  /// Nil where there is no object with a step.
  package init?(_ json: JSONValue) {
    guard let step = json["global_step"]?.int, JSONValue.counts.contains(step) else { return nil }
    self.step = step
    epoch = json.number("epoch") ?? 0
    reason = json["stop_reason"]?.string.flatMap(RunEnd.Reason.init(rawValue:)) ?? .complete
    trainLoss = json.number("train_loss")
    evalLoss = json.number("eval_loss")
    bestMetric = json.number("best_metric")
    runtime = json.number("train_runtime") ?? 0
    tokensPerSecond = json.number("tokens_per_second") ?? 0
    inputTokens = json.count("num_input_tokens_seen")
    supervisedTokens = json.count("supervised_tokens_seen")
    adapterDigest = json["adapter_sha256"]?.string ?? ""
  }
}
