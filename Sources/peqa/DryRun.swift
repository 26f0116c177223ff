internal import Collectives
internal import Datasets
internal import DecoderModel
internal import JSONText
internal import Planning
internal import Reporting
internal import Training

/// What `peqa train --dry-run` shows: the run as it would be, without a step of it.
struct DryRun {
  /// Sequences that are shown in full.
  private static let samples = 3

  private let setup: TrainSetup
  private let rank: RankContext
  private let plan: MemoryPlan
  private let steps: Int

  init(_ setup: TrainSetup, _ rank: RankContext) {
    self.setup = setup
    self.rank = rank
    let config = setup.config
    func longest(_ data: TokenDataset?) -> Int {
      data.flatMap { data in (0..<data.count).map { data.length(at: $0) }.max() } ?? 0
    }
    plan = MemoryPlan(
      setup.base.config, baseBytes: setup.base.byteCount,
      numbers: setup.base.trained(config.scaleTraining),
      pass: setup.passShape(length: longest(setup.training.train)),
      evaluation: EvaluationSize(
        config, heldOut: longest(setup.evaluation), cached: setup.tasks?.cachedTokens),
      globalBatchSize: config.globalBatchSize, ranks: rank.communicator.size)
    steps = config.steps(setup.order)
  }

  func show(json: Bool) {
    let console = rank.console
    if json { return console.result(self.json.text(indent: 2)) }
    console.stream(setup.config.yaml)
    console.result()
    console.result(setup.training.description)
    if let evaluation = setup.evaluation {
      console.result("held out: \(evaluation.count) sequences")
    }
    if let tasks = setup.tasks { console.result("tasks: \(tasks.text) items") }
    console.result()
    let preview = SamplePreview(tokenizer: setup.tokenizer)
    for index in setup.order.globalBatch(0).prefix(Self.samples) {
      console.result(preview.text(of: index, in: setup.training.train))
    }
    console.result()
    for line in planLines { console.result(line) }
  }

  private var planLines: [String] {
    let (config, size) = (setup.config, rank.communicator.size)
    func megabytes(_ bytes: Int) -> String { "\((bytes + 500_000) / 1_000_000) MB" }
    let share = (config.globalBatchSize + size - 1) / size
    return [
      "trained scales   " + config.scaleTraining.text(setup.base.trained(config.scaleTraining)),
      "steps            \(steps) of \(config.globalBatchSize) sequences, at most \(share) per rank, "
        + counted(size, "rank"),
      "memory per node  \(megabytes(plan.sharedBytes)) base, one copy for all ranks",
      "memory per rank  \(megabytes(plan.privateBytes)): \(megabytes(plan.activationBytes)) "
        + "activations (estimate), \(megabytes(plan.optimizerBytes)) scales, moments and sums"
        + (plan.evaluationBytes > 0 ? ", \(megabytes(plan.evaluationBytes)) evaluation" : ""),
      "communication    \(megabytes(plan.bytesPerStep)) all-reduced per step",
      "output           \(config.outputDirectory)",
    ] + teacherLines
  }

  /// What the answers of a teacher will take on the disk.
  private var teacherLines: [String] {
    guard let teacher = setup.teacher else { return [] }
    let record = TeacherRecord(teacher.question, of: setup.base.config)
    let data = setup.training.train
    let used = steps.multipliedReportingOverflow(by: setup.config.globalBatchSize)
    let share =
      used.overflow ? 1 : min(1, Double(used.partialValue) / Double(max(1, data.count)))
    let bytes = Double(data.supervisedTokens * record.bytesPerPosition) * share
    return [
      "teacher          \(teacher.path): the \(record.question.tokens) most probable of "
        + "\(teacher.config.vocabularySize) tokens, about \(Int(bytes / 1e6 + 0.5)) MB on disk"
    ]
  }

  private var json: JSONValue {
    [
      "config": .string(setup.config.yaml), "data": setup.training.json,
      "trained_scales": .integer(setup.model.parameterCount),
      "adapter_numbers": .integer(setup.base.trained(setup.config.scaleTraining).stored),
      "steps": .integer(steps),
      "global_batch_size": .integer(setup.config.globalBatchSize),
      "ranks": .integer(rank.communicator.size), "plan": plan.json,
    ]
  }
}
