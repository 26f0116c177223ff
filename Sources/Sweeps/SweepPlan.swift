package import Training

/// The runs of a sweep.
package struct SweepPlan: Sendable {
  /// One run: a setting with a seed.
  package struct Run: Sendable {
    /// `run-0001`; also the name of its folder.
    package var name: String
    /// Index of the setting that it belongs to.
    package var setting: Int
    /// What varies, as text.
    package var values: [SweepValue]
    package var config: RunConfig

    /// `learning_rate 0.001, seed 2`
    package var label: String { values.label }
  }

  package private(set) var runs: [Run] = []
  /// Runs of each setting, by index. Runs that differ in nothing but `seed` are one setting: they
  /// are judged by their mean, and go on or end together.
  package private(set) var settings: [[Int]] = []
  /// The folder of the sweep.
  package private(set) var folder = ""
  package private(set) var metric = SweepSettings.Metric.evalLoss
  package let rungs: [Int]
  package let eta: Double
  package let digest: String
  /// Number of the combination that was added last.
  private var lastSetting = -1
  /// What the reader should be told, once.
  package private(set) var notices: [String] = []
  package private(set) var warnings: [String] = []
}

extension SweepPlan {
  /// Bytes of the run files of all runs together: each is kept whole.
  private static let mostBytes = 256 << 20

  /// - Parameter limit: runs at most.
  /// - Throws: `TrainingError.config` with the faults of all runs, each once.
  package init(
    _ file: SweepFile, limit: Int = SweepSettings.mostRuns
  ) throws(TrainingError) {
    (rungs, eta, digest) = (file.settings.rungs, file.settings.eta, file.digest)
    var faults: [ConfigFault] = []
    var known: Set<String> = []
    let combinations = try SweepCombinations(file, limit: limit).all
    for combination in combinations {
      if runs.count == 1 { try checkSize(of: combinations.count, file.path) }
      guard faults.count < SweepSettings.mostFaults else { break }
      do throws(TrainingError) {
        try add(combination, file, &known)
      } catch {
        guard case .config(let found) = error else { throw error }
        faults += found.filter { !faults.contains($0) }
      }
    }
    try Self.check(faults)
    try chooseMetric(file)
  }

  private func checkSize(of count: Int, _ path: String) throws(TrainingError) {
    let bytes = runs[0].config.yaml.utf8.count
    guard bytes <= Self.mostBytes / count else {
      throw .config([
        ConfigFault(
          location: path,
          message: "sweep: \(count) runs of a run file of \(bytes) bytes are too many. Give fewer "
            + "values, or fewer and longer data files")
      ])
    }
  }

  private static func check(_ faults: [ConfigFault]) throws(TrainingError) {
    if !faults.isEmpty { throw .config(faults) }
  }

  private mutating func add(
    _ combination: SweepCombinations.One, _ file: SweepFile, _ known: inout Set<String>
  ) throws(TrainingError) {
    var raw = file.base
    for (parameter, value) in combination.values {
      raw.set(
        parameter.key.name, to: value, location: "\(file.path):\(value.line)",
        directory: file.directory)
    }
    let resolved = try raw.resolved(ranks: file.settings.ranks ?? 1)
    if runs.isEmpty {
      folder = resolved.config.outputDirectory
      warnings = resolved.warnings
    }
    let values = combination.values.map { parameter, _ in
      let key = parameter.key.name
      return (key: key, value: resolved.config.plainValue(ofKey: key) ?? "")
    }
    // The same value in two forms, as 1e-3 and 0.001.
    guard known.insert("\(values)").inserted else { return }
    if combination.setting != lastSetting { settings.append([]) }
    lastSetting = combination.setting
    settings[settings.count - 1].append(runs.count)
    runs.append(run(values, resolved.config))
  }

  private func run(_ values: [SweepValue], _ config: RunConfig) -> Run {
    let number = String(runs.count + 1)
    let name = "run-" + String(repeating: "0", count: max(0, 4 - number.count)) + number
    var config = config
    (config.resume, config.overwriteOutputDirectory, config.stopAtStep) = (.auto, false, 0)
    config.outputDirectory = "\(folder)/\(name)"
    // Where the sweep reads how runs do.
    if !config.reportTo.contains("jsonl") {
      config.reportTo = config.reportTo.filter { $0 != "none" } + ["jsonl"]
    }
    return Run(name: name, setting: settings.count - 1, values: values, config: config)
  }

  private mutating func chooseMetric(_ file: SweepFile) throws(TrainingError) {
    let heldOut = runs.allSatisfy { !$0.config.evalDatasets.isEmpty || $0.config.valSetSize > 0 }
    if file.settings.metric == .evalLoss, !heldOut {
      throw .config([
        ConfigFault(
          location: file.path,
          message: "sweep: metric: eval_loss needs held-out data: set eval_datasets or val_set_size"
        )
      ])
    }
    metric = file.settings.metric ?? (heldOut ? .evalLoss : .trainLoss)
    guard metric == .trainLoss else { return }
    if file.settings.metric == nil {
      notices.append(
        "runs are compared by train_loss, as there is no held-out data: the mean over the last quarter "
          + "of the steps. Better: eval_datasets, or val_set_size: 0.05")
    }
    let odd = file.settings.parameters.map(\.key.name).filter(Self.changesTrainLoss)
    if !odd.isEmpty {
      warnings.append(
        "train_loss means another thing where \(odd.joined(separator: ", ")) differs; compare such "
          + "runs by eval_loss")
    }
    if runs.contains(where: { $0.config.loggingSteps == 0 }) {
      throw .config([
        ConfigFault(
          location: file.path, message: "logging_steps: 0 leaves no train_loss to compare")
      ])
    }
  }

  private static func changesTrainLoss(_ key: String) -> Bool {
    let keys: Set = [
      "datasets", "max_seq_length", "train_on_inputs", "objective", "chat_template",
      "excess_length_strategy",
    ]
    return keys.contains(key) || key.hasPrefix("distill_")
  }
}
