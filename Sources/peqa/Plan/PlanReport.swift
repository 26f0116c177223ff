internal import DecoderModel
internal import Foundation
internal import JSONText
internal import Planning
internal import Reporting
internal import Training

/// A plan in words and as JSON.
struct PlanReport {
  private let model: PlannedModel
  private let run: RunConfig
  private let cluster: PlannedCluster
  private let described: ClusterDescription
  /// Nil where the rate of a core was given.
  private let measured: MeasuredRate?
  /// As the run file says.
  private let own: StepForecast
  let best: (setting: PassSetting, forecast: StepForecast)?

  private static let sizes = [1, 2, 4, 8, 16, 32, 64]

  init(
    model: PlannedModel, run: RunConfig, cluster: PlannedCluster, described: ClusterDescription,
    measured: MeasuredRate?
  ) {
    (self.model, self.run, self.cluster) = (model, run, cluster)
    (self.described, self.measured) = (described, measured)
    own = StepForecast(model, run, Self.setting(run), on: cluster)
    best = StepForecast.best(model, run, on: cluster)
  }

  private static func setting(_ run: RunConfig) -> PassSetting {
    PassSetting(microBatch: run.microBatchSize, recomputing: run.gradientCheckpointing)
  }

  /// What stays on disk: the base, checkpoints with the one being written, the adapter.
  private var diskBytes: Int {
    let kept = run.saveTotalLimit == 0 ? 1 : run.saveTotalLimit
    return model.baseBytes + own.memory.checkpointBytes * (kept + 2)
  }

  private var fitsDisk: Bool {
    described.diskGigabytes.map { Double(diskBytes) <= $0 * 1e9 } ?? true
  }

  /// Some setting fits into memory, and the files onto the disk.
  var fits: Bool { best != nil && fitsDisk }

  /// What the answers of a teacher take on the disk; how many tokens are supervised only the data
  /// says. They are read once an epoch beside the computing, which is nothing.
  private var teacher: String? {
    guard run.objective == .distill else { return nil }
    let layers = run.distillHiddenBlocks.isEmpty ? model.config.layerCount : 0
    let blocks = run.distillHiddenBlocks + Array(0..<layers)
    let record = TeacherRecord(
      TeacherQuestion(
        tokens: run.distillTopK, temperature: run.distillTemperature,
        blocks: run.distillHiddenWeight > 0 ? blocks : []), of: model.config)
    return "the \(record.question.tokens) most probable of \(model.config.vocabularySize) tokens: "
      + "\(record.bytesPerPosition) bytes on disk per supervised token; before the first step it "
      + "goes forward over the data once"
  }

  private var tokensPerStep: Int { run.globalBatchSize * run.maxSequenceLength }

  /// The run's own setting where it fits, else the best; one node to many.
  private func scaling() -> [(nodes: Int, seconds: Double, efficiency: Double)] {
    let setting = own.fits ? Self.setting(run) : best?.setting ?? Self.setting(run)
    func seconds(_ nodes: Int) -> Double {
      var other = cluster
      other.nodes = nodes
      return StepForecast(model, run, setting, on: other).seconds
    }
    let one = seconds(1)
    return Self.sizes.map { ($0, seconds($0), one / seconds($0) / Double($0)) }
  }

  var lines: [String] {
    let memory = own.memory
    func time(_ seconds: Double) -> String {
      seconds < 10 ? "\(fixed(seconds, digits: 3)) s" : durationText(seconds)
    }
    var lines: [String] = []
    func add(_ name: String, _ parts: String...) {
      lines.append(
        name.padding(toLength: 17, withPad: " ", startingAt: 0) + parts.joined(separator: ", "))
    }
    let groups = model.groupSize == -1 ? "one scale per row" : "groups of \(model.groupSize)"
    let parameters = fixed(Double(model.config.parameterCount) / 1e9, digits: 2)
    add(
      "model", "\(model.name): \(parameters) billion parameters",
      "\(model.config.layerCount) blocks", "\(model.bits) bits\(model.isMixed ? " mostly" : "")",
      model.isMixed ? "smallest \(groups)" : groups)
    add("base", "\(megabytes(model.baseBytes))")
    add("trained scales", run.scaleTraining.text(model.trained(run.scaleTraining)))
    add(
      "ranks", "\(cluster.nodes) x \(cluster.ranksPerNode)",
      "\(cluster.threadsPerRank) threads each")
    add(
      "memory per rank",
      "\(megabytes(memory.privateBytes)): \(megabytes(memory.activationBytes)) activations",
      "\(megabytes(memory.optimizerBytes)) scales, moments and sums"
        + (memory.evaluationBytes > 0 ? ", \(megabytes(memory.evaluationBytes)) evaluation" : ""))
    let streamed = own.streamedBlocks.map { ", \($0) blocks read from disk in each pass" } ?? ""
    let tooLarge = ": DOES NOT FIT"
    add(
      "memory per node", "\(megabytes(own.nodeBytes)) of \(megabytes(cluster.memory))",
      "base \(megabytes(model.baseBytes)) once" + streamed + (own.fits ? "" : tooLarge))
    add(
      "disk",
      "\(megabytes(diskBytes)): base and checkpoints of "
        + megabytes(memory.checkpointBytes) + (fitsDisk ? "" : tooLarge))
    add(
      "wire",
      "\(megabytes(own.wireBytes)) per rank and step (gradient_sum: \(run.gradientSum.rawValue))")
    if let teacher { add("teacher", teacher) }
    let rate = fixed(cluster.threadRate / 1e9, digits: 1)
    add("each core", "\(rate) GFLOP/s (\(measured?.text ?? "as given"))")
    let reading = own.readSeconds > 0 ? ", \(time(own.readSeconds)) reading beside it" : ""
    add(
      "each step", "\(time(own.seconds)): \(time(own.computeSeconds)) computing",
      "\(time(own.exchangeSeconds)) exchange" + reading)
    let speed = fixed(Double(tokensPerStep) / own.seconds, digits: 1)
    add(
      "speed", "\(speed) tokens/s",
      "\(run.globalBatchSize) full sequences of \(run.maxSequenceLength) per step")
    if let steps = run.maxSteps {
      add("whole run", "\(time(own.seconds * Double(steps))) for \(steps) steps")
    }
    if let best {
      add(
        "best that fits",
        "micro_batch_size: \(best.setting.microBatch)",
        "gradient_checkpointing: \(best.setting.recomputing): \(time(best.forecast.seconds)) per step",
        "\(megabytes(best.forecast.nodeBytes)) per node")
    } else {
      add("nothing fits", "take a smaller max_seq_length, fewer ranks per node or more memory")
    }
    var table = TextTable(
      ("nodes", .right), ("s per step", .right), ("tokens/s", .right), ("efficiency", .right))
    for row in scaling() {
      table.add(
        "\(row.nodes)", fixed(row.seconds, digits: 3),
        fixed(Double(tokensPerStep) / row.seconds, digits: 0),
        fixed(row.efficiency * 100, digits: 1) + " %")
    }
    return lines + [""] + table.lines
  }

  var json: JSONValue {
    [
      "model": .string(model.name), "bits": .integer(model.bits),
      "group_size": .integer(model.groupSize), "mixed": .bool(model.isMixed),
      "parameters": .integer(model.config.parameterCount),
      "trained_scales": .integer(model.trained(run.scaleTraining).masters),
      "adapter_numbers": .integer(model.trained(run.scaleTraining).stored),
      "scale_granularity": .string(run.scaleGranularity.rawValue),
      "scale_rank": .integer(run.scaleRank),
      "nodes": .integer(cluster.nodes), "ranks_per_node": .integer(cluster.ranksPerNode),
      "threads_per_rank": .integer(cluster.threadsPerRank),
      "core_gflops": .real(cluster.threadRate / 1e9), "measured": .bool(measured != nil),
      "measurement": measured.map(\.json) ?? .null,
      "memory": own.memory.json, "disk_bytes": .integer(diskBytes), "fits": .bool(fits),
      "checkpoint_bytes": .integer(own.memory.checkpointBytes),
      "plan": json(own, Self.setting(run)),
      "best": best.map { json($0.forecast, $0.setting) } ?? .null,
      "run_seconds": run.maxSteps.map { .real(own.seconds * Double($0)) } ?? .null,
      "scaling": .array(
        scaling().map {
          [
            "nodes": .integer($0.nodes), "seconds_per_step": .real($0.seconds),
            "efficiency": .real($0.efficiency),
          ]
        }),
    ]
  }

  private func json(_ forecast: StepForecast, _ setting: PassSetting) -> JSONValue {
    [
      "micro_batch_size": .integer(setting.microBatch),
      "gradient_checkpointing": .bool(setting.recomputing), "fits": .bool(forecast.fits),
      "private_bytes_per_rank": .integer(forecast.memory.privateBytes),
      "bytes_per_node": .integer(forecast.nodeBytes),
      "streamed_blocks": .integer(forecast.streamedBlocks ?? 0),
      "wire_bytes": .integer(forecast.wireBytes), "seconds_per_step": .real(forecast.seconds),
      "compute_seconds": .real(forecast.computeSeconds),
      "read_seconds": .real(forecast.readSeconds),
      "exchange_seconds": .real(forecast.exchangeSeconds),
      "tokens_per_second": .real(Double(tokensPerStep) / forecast.seconds),
    ]
  }
}
