/// Names of the files in a run's output folder, for those who write them and those who read them.
package enum RunFile {
  package static let provenance = "run.json"
  package static let settings = "config.resolved.yaml"
  package static let givenSettings = "config.yaml"
  package static let metrics = "metrics.jsonl"
  package static let metricsTable = "metrics.csv"
  package static let results = "train_results.json"
  package static let evaluation = "eval_results.json"
  package static let failures = "failures.log"
  package static let lock = ".lock"
  package static let adapterConfig = "adapter_config.json"
  package static let adapterWeights = "adapter_model.safetensors"
  package static let best = "best"
  package static let latest = "latest"
  package static let report = "report.html"
  package static let reportData = "report.json"
  package static let tensorboard = "tensorboard"

  package static func checkpoint(step: Int) -> String { "checkpoint-\(step)" }

  /// The step that the name of a checkpoint says; nil for any other name.
  package static func step(ofCheckpoint name: String) -> Int? {
    guard name.hasPrefix("checkpoint-"), let step = Int(name.dropFirst(11)), step >= 0,
      checkpoint(step: step) == name
    else { return nil }
    return step
  }
}
