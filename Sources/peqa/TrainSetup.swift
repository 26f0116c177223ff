internal import ArgumentParser
internal import ChatTemplates
internal import Checkpoints
internal import Collectives
internal import Datasets
internal import DecoderModel
internal import Foundation
internal import JSONText
internal import Kernels
internal import Machine
internal import Planning
internal import Quantization
internal import Tokenization
internal import Training

/// A run's model and data, opened and checked; the same on every rank.
struct TrainSetup {
  let config: RunConfig
  let rank: RankContext
  let base: QuantizedBase
  let model: ScaleTuning
  let tokenizer: Tokenizer
  let training: PreparedDatasets
  /// Sequences that are not trained on; nil without any.
  let evaluation: TokenDataset?
  /// Nil where the run learns from its data alone.
  let teacher: Teacher?
  /// Nil where the run measures none.
  let tasks: TrainTasks?
  let compute: Compute
  private let evaluationCache: String
  private let signals: StopSignals

  init(_ config: RunConfig, _ rank: RankContext, _ signals: StopSignals) throws {
    self.config = config
    self.rank = rank
    self.signals = signals
    compute = try KernelChoice.compute(
      config, threads: config.threads > 0 ? config.threads : rank.threads.count)
    let loaded = try LoadedModel.open(config.model)
    base = try loaded.requiredBase()
    try Self.check(config, base)
    tokenizer = try Tokenizer.load(from: config.model)
    let chat = try Self.chat(config, tokenizer)
    teacher = try Teacher(of: config, base, tokenizer)
    tasks = try Self.tasks(config, tokenizer, base.config, rank)
    try Self.compareFiles(config, base, tokenizer, chat, compute, tasks, rank)
    try Self.verify(config, base, rank, signals)
    let decoder = Decoder(config: loaded.config, weights: loaded.weights, compute: compute)
    decoder.recomputesProducts = config.gradientCheckpointing
    model = ScaleTuning(decoder: decoder, base: base, training: config.scaleTraining)
    try Doctor.warn(rank, config, base)
    decoder.prefetcher = try Self.stream(base, config, tasks, rank, compute)

    let preparation = try DataPreparation(rank, folder: config.datasetCache, signals)
    // Captured by itself, as this value is not complete yet.
    let text = tokenizer
    func prepare(
      _ sources: [DatasetSource], _ settings: DatasetSettings
    ) throws -> PreparedDatasets {
      try preparation(
        DatasetBuilder(sources: sources, tokenizer: text, chat: chat, settings: settings))
    }
    training = try prepare(config.datasets, try config.datasetSettings)
    var heldOut = try config.datasetSettings
    heldOut.validation = .none
    let separate =
      config.evalDatasets.isEmpty ? nil : try prepare(config.evalDatasets, heldOut)
    evaluation = separate?.train ?? training.validation
    evaluationCache = separate?.cachePath ?? ""
    try compareData()
  }

  /// Everything that ranks read for themselves, before they do anything with it. (Settings are
  /// those of rank 0, which all ranks were sent.)
  private static func compareFiles(
    _ config: RunConfig, _ base: QuantizedBase, _ tokenizer: Tokenizer,
    _ chat: TemplateChatEncoder?, _ compute: Compute, _ tasks: TrainTasks?, _ rank: RankContext
  ) throws {
    var agreement = RankAgreement()
    agreement.file("base", base.manifest.baseDigest)
    agreement.file("config.json", base.config.digest)
    agreement.file("tokenizer", tokenizer.fingerprint)
    agreement.file("chat template", chat?.fingerprint ?? "none")
    agreement.setting(
      "kind of kernels", compute.numerics,
      remedy: "They round differently. Set deterministic: portable, or use nodes of one kind.")
    // A rank that cannot read its files must not leave the others waiting.
    var sample: [String] = []
    try rank.agree {
      sample = [
        try DataSample.digest(of: config.datasets), try DataSample.digest(of: config.evalDatasets),
      ]
    }
    agreement.file("set of training data", sample[0])
    agreement.file("set of evaluation data", sample[1])
    agreement.file("set of tasks", tasks?.digest ?? "none")
    try agreement.check(rank.communicator)
  }

  /// The prepared tokens, as far as the sample of the files could not tell.
  private func compareData() throws {
    var agreement = RankAgreement()
    agreement.file("set of prepared training data", dataDigest)
    agreement.file(
      "number of sequences", "\(training.train.count) + \(evaluation?.count ?? 0)")
    try agreement.check(rank.communicator)
  }

  /// The run file's template, else the model's own; nil where there is none, which only matters to
  /// conversations.
  static func template(_ config: RunConfig, _ tokenizer: Tokenizer) throws -> ChatTemplate? {
    try config.chatTemplate.map { try ChatTemplate(named: $0) } ?? tokenizer.chatTemplate()
  }

  private static func chat(
    _ config: RunConfig, _ tokenizer: Tokenizer
  ) throws -> TemplateChatEncoder? {
    try template(config, tokenizer).map { TemplateChatEncoder(tokenizer: tokenizer, template: $0) }
  }

  /// A rank that cannot read the data must not leave the others waiting.
  private static func tasks(
    _ config: RunConfig, _ tokenizer: Tokenizer, _ model: DecoderConfig, _ rank: RankContext
  ) throws -> TrainTasks? {
    var tasks: TrainTasks?
    try rank.agree { tasks = try TrainTasks(config.taskEvaluation, tokenizer, model) }
    return tasks
  }

  /// What the run file says of the base must be true.
  private static func check(_ config: RunConfig, _ base: QuantizedBase) throws {
    let settings = base.manifest.settings
    var faults = config.scaleTraining.faults(base.config, over: base.linearLayouts).map {
      ConfigFault(message: "\($0.key): \($0.text)")
    }
    func compare<Value: Equatable>(_ key: String, _ wanted: Value?, _ found: Value) {
      guard let wanted, wanted != found else { return }
      faults.append(
        ConfigFault(
          message: "\(key) is \(wanted), but \(base.path) has \(found). Make another base with "
            + "peqa quantize, or leave \(key) out."))
    }
    compare("bits", config.bits, settings.bits)
    compare("group_size", config.groupSize, settings.groupSize)
    compare("sym", config.symmetric, settings.symmetric)
    // How codes were found that came with a model is not known.
    if !base.manifest.reusesCodes { compare("method", config.method, settings.method) }
    if config.maxSequenceLength > base.config.maximumLength {
      faults.append(
        ConfigFault(
          message: "max_seq_length is \(config.maxSequenceLength), but the model was made for "
            + "\(base.config.maximumLength) tokens."))
    }
    if !faults.isEmpty { throw TrainingError.config(faults) }
  }

  /// For a base that is larger than the memory of its node, or is to be read as if it were.
  private static func stream(
    _ base: QuantizedBase, _ config: RunConfig, _ tasks: TrainTasks?, _ rank: RankContext,
    _ compute: Compute
  ) throws -> BlockPrefetcher? {
    let communicator = rank.communicator
    let memory = MemoryPlan(
      config, base, ranks: communicator.size, arithmetic: compute.arithmetic,
      threads: compute.pool.threads, cached: tasks?.cachedTokens)
    let choice = StreamingChoice(
      config.baseStreaming, base, memory, ranksOnNode: communicator.ranksOnNode,
      available: try communicator.availableMemory(),
      limit: StreamingChoice.limit(gigabytes: config.memoryLimit))
    if let text = choice.text { rank.console.log(text) }
    return choice.plan.map { BlockPrefetcher(base, $0, forgets: communicator.nodeRank == 0) }
  }

  /// The base must be undamaged on every node: a flipped bit would train something else.
  private static func verify(
    _ config: RunConfig, _ base: QuantizedBase, _ rank: RankContext, _ signals: StopSignals
  ) throws {
    let communicator = rank.communicator
    guard config.verifyBase else { return }
    try rank.agree {
      guard communicator.nodeRank == 0 else {
        return communicator.beginPhase("waiting for the base")
      }
      try base.verifyDigest { done in
        communicator.beginPhase("verifying the base, \(Int(done * 100)) %")
        if let request = signals.received { throw ExitCode(request.exitCode) }
      }
    }
  }

  /// Everything that the loop needs, with the record of what it runs on.
  func run() throws -> TrainRun {
    var run = TrainRun(
      config: config, model: model, ranks: rank.communicator, training: training.train,
      evaluation: evaluation, baseDigest: base.manifest.baseDigest,
      dataDigest: dataDigest)
    run.configDigest = base.config.digest
    run.tasks = tasks?.measurement(model.decoder, model.scales.task, tokenizer, rank.communicator)
    let watch = rank.communicator.nodeRank == 0 ? try BaseWatch(base) : nil
    run.checkBase = { [rank] in try rank.agree { try watch?.check() } }
    try learnFromTeacher(&run)
    run.companions = ModelFiles.tokenizerNames.map {
      "\(config.model)/\($0)"
    }.filter { FileManager.default.fileExists(atPath: $0) }
    run.provenance = try provenance()
    run.kernels = compute.numerics
    return run
  }

  /// Has the model learn from the teacher, where there is one. It is asked when the run begins.
  private func learnFromTeacher(_ run: inout TrainRun) throws {
    guard let teacher else { return }
    let preparation = TeacherPreparation(
      teacher: teacher, config: config, base: base.config, data: training.train, compute: compute,
      folder: config.datasetCache ?? DatasetBuilder.defaultCacheDirectory, rank: rank,
      signals: signals)
    let digest = try preparation.weightsDigest()
    let cache = preparation.cache(ofWeights: digest, kernels: compute.numerics)
    model.teaching = (
      cache,
      Distillation(
        weight: config.distillWeight, temperature: config.distillTemperature,
        hiddenWeight: config.distillHiddenWeight)
    )
    run.teacherDigest = digest
    run.prepare = { try preparation(cache) }
  }

  /// The longest pass of a rank over sequences of at most `length` tokens.
  func passShape(length: Int) -> PassShape {
    PassShape(
      config, ranks: rank.communicator.size, groupSize: base.finestGroupSize,
      arithmetic: compute.arithmetic, threads: compute.pool.threads, length: length)
  }

  /// The caches' names are digests of the data, the tokenizer and the preparation.
  private var dataDigest: String {
    Self.name(training.cachePath) + (evaluationCache.isEmpty ? "" : "+")
      + Self.name(evaluationCache)
  }

  /// The order in which training meets the data.
  var order: DataOrder { DataOrder(config, of: training.train.count) }

  private static func name(_ path: String) -> String {
    ((path as NSString).lastPathComponent as NSString).deletingPathExtension
  }

  private func provenance() throws -> [(String, JSONValue)] {
    let hosts = try rank.communicator.allGather(Array(rank.communicator.hostName.utf8))
      .map { String(decoding: $0, as: UTF8.self) }
    var unique: [String] = []
    for host in hosts where !unique.contains(host) { unique.append(host) }
    return [
      ("peqa", .string(Version.number)), ("commit", .string(Version.commit ?? "")),
      ("argv", .array(CommandLine.arguments.map { .string($0) })),
      ("hosts", .array(unique.map { .string($0) })),
      ("rank_hosts", .array(hosts.map { .string($0) })), ("cpu", .string(Self.processor)),
      ("kernels", .string(compute.instructionSet.rawValue)),
      ("precision", .string(compute.products)),
      ("threads", .integer(compute.pool.threads)), ("mpi", .string(Communicator.mpiVersion)),
      ("blas", .string("\(BLAS.version) (\(BLAS.coreName) kernels)")),
      ("model", .string(config.model)), ("data", training.json),
    ]
  }

  private static var processor: String {
    let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
    return line?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces) ?? "unknown"
  }
}
