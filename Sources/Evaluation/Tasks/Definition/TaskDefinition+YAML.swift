internal import ChatTemplates
internal import Training

extension TaskDefinition {
  private static let keys = [
    "task", "output_type", "training_split", "validation_split", "test_split", "dev_split",
    "fewshot_split", "fewshot_config", "num_fewshot", "record", "fields", "doc_to_text",
    "doc_to_target", "doc_to_choice", "multiple_input", "description", "target_delimiter",
    "fewshot_delimiter",
    "metric_list", "group_by", "generation_kwargs",
  ]

  /// - Parameter path: of the text, for messages.
  package init(yaml: String, path: String) throws(TaskError) {
    let root: ConfigNode?
    do throws(ConfigSyntaxError) { root = try ConfigNode.parse(yaml: yaml) } catch {
      throw .definition(path: path, line: error.line, reason: error.message)
    }
    guard let root else {
      throw .definition(
        path: path, line: 1, reason: "the file is empty; docs/user-guide.md has one")
    }
    let map = try TaskMapping(root, path: path, known: Self.keys)
    self.path = path
    name = try map.required("task").name()
    text = try map.required("doc_to_text").template()
    target = try map.required("doc_to_target").template()
    metrics = try map.required("metric_list").list().map { entry throws(TaskError) in
      try entry.word(of: Metric.self)
    }
    try read(map)
    try check(map)
  }

  private mutating func read(_ map: TaskMapping) throws(TaskError) {
    if let value = map["output_type"] { kind = try value.word(of: Kind.self) }
    for split in Split.allCases {
      if let value = map[split.key] { splits[split] = try TaskFiles.read(value) }
    }
    if let value = map["fewshot_split"] { fewShotSplit = try value.word(of: Split.self) }
    if let value = map["fewshot_config"] {
      let config = try TaskMapping(value.node, path: path, known: ["sampler"])
      sampler = try config.required("sampler").word(of: Sampler.self)
    }
    if let value = map["num_fewshot"] { fewShotCount = try value.integer(in: 0...1000) }
    if let value = map["record"] {
      for (name, value) in try TaskMapping(value.node, path: path, known: nil).members {
        record.append(RecordMember(name: name, kinds: try value.words(of: RecordMember.Kind.self)))
      }
    }
    if let value = map["fields"] {
      for (name, value) in try TaskMapping(value.node, path: path, known: nil).members {
        fields.append((name, try value.template()))
      }
    }
    if let value = map["doc_to_choice"] { choices = try value.choices() }
    if let value = map["multiple_input"] { hasMultipleInputs = try value.bool() }
    if let value = map["description"] { description = try value.template() }
    if let value = map["target_delimiter"] { targetDelimiter = try value.text() }
    if let value = map["fewshot_delimiter"] { fewShotDelimiter = try value.text() }
    if let value = map["group_by"] { groupKey = try value.text() }
    if let value = map["generation_kwargs"] {
      let settings = try TaskMapping(value.node, path: path, known: ["until", "max_gen_toks"])
      if let value = settings["max_gen_toks"] {
        generation.maximum = try value.integer(in: 1...1 << 20)
      }
      if let value = settings["until"] {
        generation.until = try value.list().map { entry throws(TaskError) in try entry.text() }
      }
    }
  }

  private func check(_ map: TaskMapping) throws(TaskError) {
    guard (kind == .multipleChoice) == (choices != nil) else {
      throw map.error(
        "output_type \(kind.rawValue) \(choices == nil ? "needs" : "has no") "
          + "doc_to_choice")
    }
    if hasMultipleInputs, kind != .multipleChoice {
      throw map.error("multiple_input needs output_type multiple_choice")
    }
    let allowed: [Metric] =
      switch kind {
      case .multipleChoice: [.accuracy, .accuracyPerCharacter, .accuracyPerByte]
      case .logLikelihood: [.accuracy, .perplexity]
      case .generation: [.exactMatch, .rougeL]
      }
    if let bad = metrics.first(where: { !allowed.contains($0) }) {
      throw map.error(
        "metric_list: \(bad.rawValue) is no metric of output_type \(kind.rawValue); those are "
          + allowed.map(\.rawValue).joined(separator: ", "))
    }
    guard !metrics.isEmpty else { throw map.error("metric_list names no metric") }
    guard splits[.test] != nil || splits[.validation] != nil else {
      throw map.error("neither test_split nor validation_split names files")
    }
    if sampler != .template, splits[exampleSplit] == nil {
      throw map.error("fewshot_split: \(exampleSplit.key) names no files")
    }
  }
}

extension TaskFiles {
  /// A pattern, a mapping, or a list of them, of which the first with files counts.
  static func read(_ value: TaskValue) throws(TaskError) -> [TaskFiles] {
    if case .list = value.node.content {
      var all: [TaskFiles] = []
      for entry in try value.list() { all += try read(entry) }
      return all
    }
    guard case .map = value.node.content else {
      return [TaskFiles(patterns: [try value.text()])]
    }
    let map = try TaskMapping(value.node, path: value.path, known: ["files", "labels", "format"])
    let files = try map.required("files")
    var result = TaskFiles(patterns: [])
    if case .list = files.node.content {
      result.patterns = try files.list().map { entry throws(TaskError) in try entry.text() }
    } else {
      result.patterns = [try files.text()]
    }
    result.labels = try map["labels"].map { value throws(TaskError) in try value.text() }
    if let format = map["format"] { result.format = try format.word(of: Format.self) }
    return [result]
  }
}
