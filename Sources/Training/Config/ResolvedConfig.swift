internal import DecoderModel

/// A checked configuration and what its reader should be told about it.
package struct ResolvedConfig: Sendable {
  package var config: RunConfig
  /// What overrode what, aliases that were accepted, values that were derived.
  package var notices: [String]
  /// Settings that are right but do nothing here.
  package var warnings: [String]
}

extension RawConfig {
  /// Checks everything and reports all faults together.
  ///
  /// - Parameter ranks: ranks of this run, for the check of `gradient_accumulation_steps`.
  /// - Throws: `TrainingError.config` with every fault.
  package func resolved(ranks: Int) throws(TrainingError) -> ResolvedConfig {
    var reading = ConfigResolution(raw: self, ranks: ranks)
    reading.readAll()
    reading.require()
    reading.checkWords()
    reading.checkDeterminism()
    reading.checkObjective()
    reading.checkBatches()
    reading.checkScales()
    reading.checkLength()
    reading.checkOptimizer()
    reading.checkSaving()
    reading.checkEvaluation()
    guard reading.faults.isEmpty else { throw .config(reading.faults) }
    return ResolvedConfig(
      config: reading.config, notices: reading.notices, warnings: reading.warnings)
  }
}

/// The one pass over a raw configuration, with what it found.
private struct ConfigResolution {
  let raw: RawConfig
  let ranks: Int
  var config = RunConfig()
  var faults: [ConfigFault]
  var notices: [String]
  var warnings: [String] = []

  init(raw: RawConfig, ranks: Int) {
    self.raw = raw
    self.ranks = ranks
    faults = raw.faults
    notices = raw.notices
  }

  func given(_ name: String) -> Bool { raw.settings[name] != nil }

  func location(_ name: String) -> String {
    ConfigKey.all.first { $0.name == name }.flatMap { raw.winner($0)?.setting.location.text } ?? ""
  }

  mutating func fault(_ key: String, _ message: String) {
    faults.append(ConfigFault(location: location(key), message: "\(key): \(message)"))
  }

  mutating func readAll() {
    for key in ConfigKey.all {
      guard let (setting, overridden) = raw.winner(key) else { continue }
      if let text = key.read(setting.node, setting.location, &config) { fault(key.name, text) }
      for loser in overridden {
        notices.append("\(key.name): \(setting.location.text) overrides \(loser.location.text)")
      }
    }
  }

  mutating func require() {
    if !given("model") { fault("model", "missing; give the folder of a base") }
    if !given("datasets") { fault("datasets", "missing; give {path: FILE, type: FORMAT}") }
    if !given("output_dir") { fault("output_dir", "missing; say where the adapter goes") }
  }

  /// Values that no type can check.
  mutating func checkWords() {
    let formats = MetricsLog.formats
    for word in config.reportTo where !(formats + ["none"]).contains(word) {
      fault("report_to", "unknown \"\(word)\"\(nearest(to: word, among: formats))")
    }
    if config.deterministic == .off {
      warnings.append(
        "\(location("deterministic")): deterministic: off lets a run go on with the kernels of another "
          + "CPU, which round differently; sums over ranks stay exact")
    }
  }

  mutating func checkDeterminism() {
    if config.deterministic == .portable, config.dtype == .bf16 {
      fault(
        "dtype", "bf16 products differ from CPU to CPU; deterministic: portable takes fp32 or int8")
    }
  }

  mutating func checkObjective() {
    guard config.objective == .distill else {
      for key in ConfigKey.all where key.name == "teacher" || key.name.hasPrefix("distill_") {
        guard key.show(config) != key.defaultText else { continue }
        warnings.append("\(location(key.name)): \(key.name) has no effect: objective is task")
      }
      return
    }
    if config.teacher.isEmpty {
      fault("teacher", "missing; objective: distill learns from the model that this names")
    }
    if config.distillHiddenWeight == 0, !config.distillHiddenBlocks.isEmpty {
      warnings.append(
        "\(location("distill_hidden_blocks")): distill_hidden_blocks has no effect: "
          + "distill_hidden_weight is 0")
    }
    if config.distillWeight == 0, config.distillHiddenWeight == 0 {
      warnings.append(
        "\(location("distill_weight")): distill_weight: 0 trains as objective: task does")
    }
  }

  /// global_batch_size = micro_batch_size * gradient_accumulation_steps * ranks, where all are
  /// given.
  mutating func checkBatches() {
    guard let accumulation = config.gradientAccumulationSteps else { return }
    let (perRank, one) = config.microBatchSize.multipliedReportingOverflow(by: accumulation)
    let (product, two) = perRank.multipliedReportingOverflow(by: ranks)
    guard !one, !two else { return fault("gradient_accumulation_steps", "too large") }
    if !given("global_batch_size") {
      config.globalBatchSize = product
      notices.append(
        "global_batch_size: \(product) = micro_batch_size \(config.microBatchSize) x "
          + "gradient_accumulation_steps \(accumulation) x \(ranks) ranks; "
          + "set global_batch_size to be free of the rank count")
    } else if product != config.globalBatchSize {
      fault(
        "gradient_accumulation_steps",
        "micro_batch_size \(config.microBatchSize) x \(accumulation) x \(ranks) ranks = \(product), "
          + "but global_batch_size is \(config.globalBatchSize); leave it out, it is derived")
    }
    config.gradientAccumulationSteps = nil
  }

  mutating func checkScales() {
    if config.scaleRank > 0, config.scaleGranularity != .rowAndColumn {
      fault("scale_rank", "is for scale_granularity: row+column; set that, or leave scale_rank out")
    }
  }

  mutating func checkLength() {
    if config.maxSteps != nil, given("num_epochs") {
      warnings.append("\(location("num_epochs")): num_epochs has no effect: max_steps is set")
    }
    if config.maxSteps == nil, config.numEpochs == 0 {
      fault("num_epochs", "0 without max_steps trains nothing")
    }
  }

  mutating func checkOptimizer() {
    if config.warmupSteps > 0, config.warmupRatio > 0 {
      warnings.append(
        "\(location("warmup_ratio")): warmup_ratio has no effect: warmup_steps is set")
    }
    if config.schedule == .constant, config.minimumLearningRateRatio > 0 {
      warnings.append(
        "\(location("min_lr_ratio")): min_lr_ratio has no effect: lr_scheduler is constant")
    }
    for (key, beta) in [("adam_beta1", config.adamBeta1), ("adam_beta2", config.adamBeta2)]
    where beta >= 1 {
      fault(key, "must be below 1")
    }
    if config.learningRate == nil {
      notices.append(
        "learning_rate: \(config.peakLearningRate), the default of scale_param "
          + config.scaleParam.rawValue)
    }
  }

  mutating func checkSaving() {
    if given("save_steps"), !given("save_interval") { config.saveInterval = 0 }
  }

  mutating func checkEvaluation() {
    if !config.evalDatasets.isEmpty, config.valSetSize > 0 {
      warnings.append(
        "\(location("val_set_size")): val_set_size has no effect: eval_datasets is set")
    }
    if config.valSetSize >= 1, config.valSetSize != config.valSetSize.rounded() {
      fault("val_set_size", "below 1 it is a fraction, from 1 on a whole number of samples")
    }
    let measuresTasks = !config.taskEvaluation.tasks.isEmpty
    let evaluates = !config.evalDatasets.isEmpty || config.valSetSize > 0
    if evaluates { return }
    for key in ["eval_steps", "eval_on_start", "max_eval_sequences", "metric_for_best_model"]
    where given(key) && !(measuresTasks && key == "eval_on_start") {
      warnings.append(
        "\(location(key)): \(key) has no effect without eval_datasets or val_set_size")
    }
    let remedy = "needs held-out data: set eval_datasets or val_set_size"
    if config.loadBestModelAtEnd { fault("load_best_model_at_end", remedy) }
    if config.earlyStoppingPatience > 0 { fault("early_stopping_patience", remedy) }
  }
}
