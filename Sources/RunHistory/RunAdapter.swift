internal import JSONText

/// What was trained, by the `adapter_config.json` of a run.
package struct RunAdapter: Sendable, Equatable {
  /// 0 where the file does not say.
  package var bits: Int
  package var granularity: String
  package var trainedNumbers: Int
  package var modelType: String
  /// Size of the adapter's tensors, in bytes.
  package var bytes: Int

  /// Nil where there is no object.
  init?(_ json: JSONValue?, bytes: Int) {
    guard let json, json.members != nil else { return nil }
    bits = json.count("bits")
    granularity = json["scale_granularity"]?.string ?? ""
    trainedNumbers = json.count("trained_scales")
    modelType = json["model_type"]?.string ?? ""
    self.bytes = bytes
  }
}
