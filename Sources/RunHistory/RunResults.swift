package import JSONText

/// The figures of a finished run: `train_results.json`.
package struct RunResults: Sendable, Equatable {
  package var step: Int
  package var reason: RunEnd.Reason
  /// Seconds over all attempts.
  package var runtime: Double
  /// SHA-256 of the adapter's weights; empty where the file does not say.
  package var adapterDigest: String

  /// Nil where there is no object with a step.
  package init?(_ json: JSONValue) {
    guard let step = json["global_step"]?.count else { return nil }
    self.step = step
    reason = json["stop_reason"]?.string.flatMap(RunEnd.Reason.init(rawValue:)) ?? .complete
    runtime = json["train_runtime"]?.double ?? 0
    adapterDigest = json["adapter_sha256"]?.string ?? ""
  }
}
