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

  /// The value of a key as a program wants it: a text without quotes, anything else as YAML; empty
  /// where it is unset. Nil for a key that does not exist.
  package func plainValue(ofKey name: String) -> String? {
    guard let key = ConfigKey.all.first(where: { $0.name == name }) else { return nil }
    guard let yaml = key.show(self) else { return "" }
    guard case .scalar(let text)? = try? ConfigNode.parse(yaml: yaml)?.content else { return yaml }
    return text
  }

  /// Settings that must be the same when a run is continued: (key, value as YAML).
  var criticalSettings: [(String, String)] {
    var complete = self
    complete.learningRate = peakLearningRate
    return ConfigKey.all.filter(\.critical).map { ($0.name, $0.show(complete) ?? "null") }
  }
}
