package import DecoderModel
package import JSONText
internal import RunHistory

/// Where a run stands, apart from its numbers: the contents of `trainer_state.json`.
///
/// The upper members are those of Hugging Face's file of that name. Nothing depends on ranks.
package struct TrainerState: Sendable, Equatable {
  package var globalStep = 0
  package var epoch = 0.0
  package var maxSteps = 0
  package var numTrainEpochs = 0.0
  package var bestMetric: Double?
  package var bestModelCheckpoint: String?
  /// SHA-256 of the adapter in `best/`; nil where this was not noted yet.
  package var bestDigest: String?
  /// `best/` holds another adapter than this state speaks of: of a course that was given up, or of
  /// a step that comes again.
  package var bestIsOther = false
  /// The newest records of the metrics; all of them stand in `metrics.jsonl`.
  package private(set) var logHistory: [JSONValue] = []

  /// All tokens seen, and the supervised ones among them.
  package var inputTokens = 0
  package var supervisedTokens = 0
  /// Loss and supervised tokens since the last logged step.
  package var unloggedLoss = 0.0
  package var unloggedTokens = 0
  package var unloggedParts = LossParts()
  /// Step of the last evaluation; nil before the first.
  package var lastEvaluation: Int?
  /// Step at which tasks were last measured; nil before the first.
  package var lastTaskEvaluation: Int?
  package var evaluationsWithoutBest = 0
  /// Seconds trained, over all attempts of the run.
  package var seconds = 0.0
  package var identity = RunIdentity()

  package init() {}

  /// Records kept in `logHistory`: what a checkpoint holds, and every rank, must not grow with the
  /// run.
  package static let historyLimit = 1000
  /// What a count in a file may be: what JSON readers hold exactly, and far from any overflow.
  static let counts = 0...(1 << 53)

  /// All but the seconds, which differ between two checkpoints of one step.
  var withoutTime: TrainerState {
    var copy = self
    copy.seconds = 0
    return copy
  }

  /// Adds a record of the metrics. Above the limit the oldest one goes, but never the last
  /// evaluation, nor the last of tasks.
  package mutating func note(_ record: JSONValue) {
    logHistory.append(record)
    trimHistory()
  }

  private mutating func trimHistory() {
    var surplus = logHistory.count - Self.historyLimit
    guard surplus > 0 else { return }
    let kept = [MetricKey.evalLoss.rawValue, MetricKey.taskRuntime].map { mark in
      logHistory.lastIndex { $0[mark] != nil }
    }
    logHistory = logHistory.enumerated().filter { index, _ in
      guard surplus > 0, !kept.contains(index) else { return true }
      surplus -= 1
      return false
    }.map(\.element)
  }
}

/// What must be the same for a run to be continued.
package struct RunIdentity: Sendable, Equatable {
  package var baseDigest = ""
  /// Of the base's config.json; empty in checkpoints of versions that did not say.
  package var configDigest = ""
  package var dataDigest = ""
  package var parameterCount = 0
  /// Critical settings as YAML, by key.
  package var settings: [Setting] = []

  package struct Setting: Sendable, Equatable {
    package var key: String
    package var value: String

    package init(key: String, value: String) { (self.key, self.value) = (key, value) }
  }

  package init() {}

  /// One sentence for each thing that `other` has differently.
  package func differences(from other: RunIdentity) -> [String] {
    var found: [String] = []
    func compare(_ name: String, _ mine: String, _ theirs: String) {
      if mine != theirs { found.append("\(name): the checkpoint has \(theirs), this run \(mine)") }
    }
    compare("base (sha256)", baseDigest, other.baseDigest)
    if !configDigest.isEmpty && !other.configDigest.isEmpty {
      compare("config.json of the base (sha256)", configDigest, other.configDigest)
    }
    compare("training data (digest)", dataDigest, other.dataDigest)
    compare("trained scales", "\(parameterCount)", "\(other.parameterCount)")
    for setting in settings {
      let theirs = other.settings.first { $0.key == setting.key }?.value
      // A version that did not know a key went by what is now its default.
      let former = ConfigKey.all.first { $0.name == setting.key }?.defaultText
      compare(setting.key, setting.value, theirs ?? former ?? "nothing")
      if setting.key == "kernels", let theirs,
        let dtype = Self.dtype(of: theirs, insteadOf: setting.value)
      {
        found[found.count - 1] += ". dtype: \(dtype) goes on as it began"
      }
    }
    return found
  }

  /// The `dtype` with which the same kernels do what others did, where nothing else differs.
  private static func dtype(of theirs: String, insteadOf mine: String) -> String? {
    let (theirs, mine) = (theirs.split(separator: " "), mine.split(separator: " "))
    guard theirs != mine, theirs.count > 1, theirs.first == mine.first else { return nil }
    return theirs.last.map(String.init)
  }
}

extension TrainerState {
  /// - Parameter files: SHA-256 of the files beside this one, by name.
  package func json(files: [(name: String, digest: String)]) -> JSONValue {
    var own: [(String, JSONValue)] = [
      ("num_input_tokens_seen", .integer(inputTokens)),
      ("supervised_tokens_seen", .integer(supervisedTokens)),
      ("unlogged_loss", .real(unloggedLoss)),
      ("unlogged_tokens", .integer(unloggedTokens)),
      ("last_evaluation", lastEvaluation.map { .integer($0) } ?? .null),
      ("evaluations_without_best", .integer(evaluationsWithoutBest)),
      ("train_runtime", .real(seconds)),
      ("base_sha256", .string(identity.baseDigest)),
      ("config_sha256", .string(identity.configDigest)),
      ("data_digest", .string(identity.dataDigest)),
      ("parameter_count", .integer(identity.parameterCount)),
      ("settings", .object(identity.settings.map { .init(key: $0.key, value: .string($0.value)) })),
      ("files", .object(files.map { .init(key: $0.name, value: .string($0.digest)) })),
    ]
    if let bestDigest { own.append(("best_sha256", .string(bestDigest))) }
    if bestIsOther { own.append(("best_is_other", true)) }
    if let lastTaskEvaluation { own.append(("last_task_evaluation", .integer(lastTaskEvaluation))) }
    if unloggedParts != LossParts() { own.append(("unlogged_parts", unloggedParts.json)) }
    return .object(members: [
      ("global_step", .integer(globalStep)),
      ("epoch", .real(epoch)),
      ("max_steps", .integer(maxSteps)),
      ("num_train_epochs", .real(numTrainEpochs)),
      ("best_metric", bestMetric.map { .real($0) } ?? .null),
      ("best_model_checkpoint", bestModelCheckpoint.map { .string($0) } ?? .null),
      ("log_history", .array(logHistory)),
      ("peqa", .object(members: own)),
    ])
  }

  /// Nil where a member is missing, of the wrong type or out of range.
  init?(json: JSONValue) {
    func count(_ value: JSONValue?) -> Int? {
      value?.int.flatMap { Self.counts.contains($0) ? $0 : nil }
    }
    func amount(_ value: JSONValue?) -> Double? {
      value?.double.flatMap { $0.isFinite && $0 >= 0 ? $0 : nil }
    }
    let evaluation = json["peqa"]?["last_evaluation"]
    let tasks = json["peqa"]?["last_task_evaluation"]
    guard let step = count(json["global_step"]), let epoch = amount(json["epoch"]),
      let maxSteps = count(json["max_steps"]), let epochs = amount(json["num_train_epochs"]),
      let history = json["log_history"]?.array, let own = json["peqa"],
      let input = count(own["num_input_tokens_seen"]),
      let supervised = count(own["supervised_tokens_seen"]),
      let loss = own["unlogged_loss"]?.double, loss.isFinite,
      let tokens = count(own["unlogged_tokens"]),
      let waiting = count(own["evaluations_without_best"]),
      let seconds = amount(own["train_runtime"]), let base = own["base_sha256"]?.string,
      let data = own["data_digest"]?.string, let parameters = count(own["parameter_count"]),
      evaluation?.int == nil || count(evaluation) != nil,
      tasks == nil || count(tasks) != nil,
      let parts = LossParts(own["unlogged_parts"]),
      let settings = own["settings"]?.members
    else { return nil }
    globalStep = step
    self.epoch = epoch
    self.maxSteps = maxSteps
    numTrainEpochs = epochs
    bestMetric = json["best_metric"]?.double
    bestModelCheckpoint = json["best_model_checkpoint"]?.string
    bestDigest = own["best_sha256"]?.string
    bestIsOther = own["best_is_other"]?.bool ?? false
    logHistory = history
    trimHistory()
    inputTokens = input
    supervisedTokens = supervised
    unloggedLoss = loss
    unloggedTokens = tokens
    unloggedParts = parts
    lastEvaluation = evaluation?.int
    lastTaskEvaluation = tasks?.int
    evaluationsWithoutBest = waiting
    self.seconds = seconds
    identity.baseDigest = base
    identity.configDigest = own["config_sha256"]?.string ?? ""
    identity.dataDigest = data
    identity.parameterCount = parameters
    identity.settings = settings.map { .init(key: $0.key, value: $0.value.string ?? "") }
  }
}

extension LossParts {
  fileprivate var json: JSONValue { .array([task, divergence, hidden].map { .real($0) }) }

  /// Zeros where nothing stands; nil where it is no list of three finite numbers.
  fileprivate init?(_ json: JSONValue?) {
    self.init()
    guard let json else { return }
    let numbers = json.array?.compactMap(\.double).filter(\.isFinite) ?? []
    guard numbers.count == 3, json.array?.count == 3 else { return nil }
    (task, divergence, hidden) = (numbers[0], numbers[1], numbers[2])
  }
}

extension JSONValue {
  static func object(members: [(String, JSONValue)]) -> JSONValue {
    .object(members.map { Member(key: $0.0, value: $0.1) })
  }
  /// A line of `metrics.jsonl`.
  static func metrics(step: Int, _ numbers: [(MetricKey, JSONValue)]) -> JSONValue {
    object(members: [(MetricKey.step, .integer(step))] + numbers.map { ($0.rawValue, $1) })
  }

  subscript(_ key: MetricKey) -> JSONValue? { self[key.rawValue] }
}
