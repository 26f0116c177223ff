internal import JSONText

/// What was trained, by the `adapter_config.json` of a run.
package struct RunAdapter: Sendable, Equatable {
  /// 0 where the file does not say.
  package var bits: Int
  /// Columns per group; -1 for whole rows, 0 where the file does not say.
  package var groupSize: Int
  package var granularity: String
  package var parametrization: String
  package var trainedNumbers: Int
  package var modelType: String
  /// Size of the adapter's tensors, in bytes.
  package var bytes: Int

  /// Nil where there is no object.
  init?(_ json: JSONValue?, bytes: Int) {
    guard let json, json.members != nil else { return nil }
    bits = json.count("bits")
    groupSize = json["group_size"]?.int ?? 0
    granularity = json["scale_granularity"]?.string ?? ""
    parametrization = json["scale_param"]?.string ?? ""
    trainedNumbers = json.count("trained_scales")
    modelType = json["model_type"]?.string ?? ""
    self.bytes = bytes
  }
}
