extension RunConfig {
  /// The configuration as a run file that gives the same configuration when read.
  ///
  /// Nothing in it depends on the number of ranks. Paths are written as they were resolved.
  package var yaml: String {
    var text = "# Resolved configuration; valid as an input of `peqa train`.\n"
    for key in ConfigKey.all {
      if let value = key.show(self) { text += "\(key.name): \(value)\n" }
    }
    return text
  }

  /// Settings that must be the same when a run is continued: (key, value as YAML).
  var criticalSettings: [(String, String)] {
    var complete = self
    complete.learningRate = peakLearningRate
    return ConfigKey.all.filter(\.critical).map { ($0.name, $0.show(complete) ?? "null") }
  }
}
