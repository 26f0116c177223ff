internal import DecoderModel
package import Kernels
package import Training

/// Nodes, ranks and the speed of their parts, complete.
package struct PlannedCluster: Sendable, Equatable {
  package var nodes = 1
  package var ranksPerNode = 1
  package var threadsPerRank = 1
  /// Of products. bf16 where the CPUs of the cluster multiply it natively.
  package var arithmetic = Arithmetic(.bf16)
  /// Operations a second of a thread.
  package var threadRate = 1e11
  /// Bytes of a node.
  package var memory: Int
  /// Bytes a second read from disk.
  package var diskRate = 1e9
  /// Bits a second of a node's link.
  package var networkBits = 1e9
  /// Seconds.
  package var networkLatency = 50e-6

  package var ranks: Int { nodes * ranksPerNode }

  package init(memory: Int) { self.memory = memory }
}

/// How a run goes through its sequences: what may be chosen without another result.
package struct PassSetting: Sendable, Equatable {
  package var microBatch: Int
  package var recomputing: Bool

  package init(microBatch: Int, recomputing: Bool) {
    (self.microBatch, self.recomputing) = (microBatch, recomputing)
  }
}

/// What a step of a run will take on a cluster, by formula.
package struct StepForecast: Sendable, Equatable {
  package let memory: MemoryPlan
  /// Of a node: the base or what stays of it, and all ranks.
  package let nodeBytes: Int
  package let fits: Bool
  /// Blocks read from disk in each pass, of all; nil where the base stays in memory.
  package let streamedBlocks: Int?
  package let computeSeconds: Double
  /// Reading the base, where it is streamed; goes on beside the computing.
  package let readSeconds: Double
  package let exchangeSeconds: Double
  /// What each rank sends and receives in the all-reduce.
  package let wireBytes: Int

  package var seconds: Double { max(computeSeconds, readSeconds) + exchangeSeconds }

  /// Part of a link's bits that carries data: TCP and Ethernet headers take 66 and 24 bytes of
  /// each 1538, and Open MPI's ring came to 0.95 of the rest (docs: cluster lab's figures).
  private static let linkShare = 1448.0 / 1538.0 * 0.95
  /// Seconds for packing and unpacking a number of a narrow sum: two ranks on two cores took 2 ms
  /// more than wide ones for 1.36 million.
  private static let packing = 2e-9
  /// Bytes a second between ranks of one node, measured with two ranks and 54 MB.
  private static let sharedMemoryRate = 2.5e9

  package init(
    _ model: PlannedModel, _ run: RunConfig, _ setting: PassSetting, on cluster: PlannedCluster
  ) {
    let share = (run.globalBatchSize + cluster.ranks - 1) / cluster.ranks
    let together = min(setting.microBatch, share)
    let numbers = model.trained(run.scaleTraining)
    let trained = numbers.masters
    memory = MemoryPlan(
      model.config, baseBytes: model.baseBytes, numbers: numbers,
      pass: PassShape(
        tokens: run.maxSequenceLength * together, sequences: together,
        arithmetic: cluster.arithmetic, groupSize: model.groupSize,
        threads: cluster.threadsPerRank,
        purpose: .training(run.scaleTraining, recomputing: setting.recomputing)),
      evaluation: EvaluationSize(run), globalBatchSize: run.globalBatchSize, ranks: cluster.ranks)
    let own = memory.privateBytes * cluster.ranksPerNode
    let limit = StreamingChoice.limit(gigabytes: run.memoryLimit)
    let choice = StreamingChoice(
      run.baseStreaming, fileBytes: model.baseBytes, blockBytes: model.blockBytes,
      privateBytes: own, available: cluster.memory, limit: limit)
    let plan = choice.plan
    let resident = model.baseBytes - model.blockBytes.reduce(0, +)
    let held = plan.map { resident + $0.peakBytes } ?? model.baseBytes
    nodeBytes = own + held
    fits = nodeBytes <= StreamingChoice.usable(min(cluster.memory, limit ?? .max))
    streamedBlocks = plan.flatMap { $0.streamed > 0 ? $0.streamed : nil }
    let operations = model.operations(
      tokens: run.maxSequenceLength, sequences: share, run.scaleTraining,
      recomputing: setting.recomputing)
    computeSeconds = operations / (cluster.threadRate * Double(cluster.threadsPerRank))
    let passes = (share + together - 1) / together
    // Forward and backward; ranks of a node read together.
    readSeconds = Double(2 * passes * (plan?.streamedBytes ?? 0)) / cluster.diskRate
    wireBytes = Self.wireBytes(memory, trained: trained, run)
    exchangeSeconds =
      Self.exchange(wireBytes, cluster)
      + (run.gradientSum == .narrow && cluster.ranks > 1 ? Double(trained) * Self.packing : 0)
  }

  /// Narrow: 4 bytes per number and one bound of 8 for each 256; what is no gradient keeps 8.
  private static func wireBytes(_ memory: MemoryPlan, trained: Int, _ run: RunConfig) -> Int {
    guard run.gradientSum == .narrow else { return memory.bytesPerStep }
    return memory.bytesPerStep - trained * 4 + (trained + 255) / 256 * 8
  }

  /// A ring: each rank passes on 2 (R - 1) / R of the bytes in 2 (R - 1) messages.
  private static func exchange(_ bytes: Int, _ cluster: PlannedCluster) -> Double {
    guard cluster.ranks > 1 else { return 0 }
    let rounds = Double(2 * (cluster.ranks - 1))
    let rate =
      cluster.nodes > 1 ? cluster.networkBits / 8 * linkShare : sharedMemoryRate
    let latency = cluster.nodes > 1 ? cluster.networkLatency : 1e-6
    return rounds / Double(cluster.ranks) * Double(bytes) / rate + rounds * latency
  }

  /// The fastest setting that fits, the one with the least memory among equals; nil where none
  /// does.
  package static func best(
    _ model: PlannedModel, _ run: RunConfig, on cluster: PlannedCluster
  ) -> (setting: PassSetting, forecast: StepForecast)? {
    let share = (run.globalBatchSize + cluster.ranks - 1) / cluster.ranks
    var sizes = [1]
    while let last = sizes.last, last * 2 <= share { sizes.append(last * 2) }
    if sizes.last != share { sizes.append(share) }
    var best: (setting: PassSetting, forecast: StepForecast)?
    for recomputing in [false, true] {
      for size in sizes {
        let setting = PassSetting(microBatch: size, recomputing: recomputing)
        let forecast = StepForecast(model, run, setting, on: cluster)
        guard forecast.fits else { continue }
        if let best, forecast.seconds >= best.forecast.seconds * 0.995,
          forecast.seconds > best.forecast.seconds * 1.005
            || forecast.nodeBytes >= best.forecast.nodeBytes
        {
          continue
        }
        best = (setting, forecast)
      }
    }
    return best
  }
}
