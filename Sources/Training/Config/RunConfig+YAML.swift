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

extension ConfigKey {
  /// A run file with every key, its default and its meaning: the output of `peqa config`.
  package static var documentation: String {
    all.map { key in
      let value = key.defaultText ?? (key.required ? "REQUIRED" : "null")
      let aliases = key.aliases.isEmpty ? "" : " [also " + key.aliases.joined(separator: ", ") + "]"
      return "# \(key.meaning) (\(key.type))\(aliases)\n\(key.name): \(value)\n"
    }.joined(separator: "\n")
  }

  private var required: Bool { ["model", "datasets", "output_dir"].contains(name) }
}
