import DecoderModel
import Foundation
import JSONText
import Planning
import Testing
import Training

@Suite struct PlanTests {
  private func model(_ name: String, bits: Int = 4, groupSize: Int = -1) throws -> PlannedModel {
    try PlannedModel(
      name: name, config: try #require(DecoderConfig.preset(named: name)), bits: bits,
      groupSize: groupSize)
  }

  private func run(batch: Int = 8, length: Int = 512) -> RunConfig {
    var run = RunConfig()
    (run.globalBatchSize, run.maxSequenceLength) = (batch, length)
    return run
  }

  private func forecast(
    _ model: PlannedModel, _ run: RunConfig, _ cluster: PlannedCluster, microBatch: Int = 1,
    recomputing: Bool = true
  ) -> StepForecast {
    StepForecast(
      model, run, PassSetting(microBatch: microBatch, recomputing: recomputing), on: cluster)
  }

  /// Weights of the linear layers in table 2 of arXiv 2302.13971, less embeddings: 4 (or 3) bits
  /// each, and for each row a scale (2 bytes) and a zero point (1).
  @Test(arguments: [
    ("llama-7b", 4, 6.476e9), ("llama-13b", 4, 12.69e9), ("llama-30b", 4, 32.10e9),
    ("llama-65b", 3, 64.76e9),
  ])
  func basesHaveTheSizeOfTheirWeights(name: String, bits: Int, weights: Double) throws {
    let model = try model(name, bits: bits)
    let vocabulary = 2.0 * 2 * 32_000 * Double(model.config.hiddenSize)
    let expected = weights * Double(bits) / 8 + vocabulary
    // Scales and norms are a thousandth.
    #expect(abs(Double(model.baseBytes) / expected - 1) < 0.005)
    #expect(model.blockBytes.count == model.config.layerCount)
    #expect(model.blockBytes.reduce(0, +) < model.baseBytes)
  }

  /// The 1.36 M scales of a 7B model per row: 4 x 4096 + 2 x 11008 + 4096 rows in 32 blocks.
  @Test func trainedScalesOf7B() throws {
    let rows = 32 * (4 * 4096 + 2 * 11_008 + 4096)
    #expect(try model("llama-7b").trained(ScaleTraining(.row)).masters == rows)
    let grouped = try model("llama-7b", groupSize: 64)
    #expect(grouped.trained(ScaleTraining(.row)) == TrainedNumbers(masters: rows, stored: rows))
    let groups = 32 * (4 * 4096 * 64 + 2 * 11_008 * 64 + 4096 * 172)
    #expect(grouped.trained(ScaleTraining(.group)).masters == groups)
    // A number per row and per group of columns, and so many products more.
    let ends = 4 * (4096 + 64) + 2 * (11_008 + 64) + 4096 + 172
    for rank in [0, 3] {
      let found = grouped.trained(ScaleTraining(.rowAndColumn, rank: rank))
      #expect(found == TrainedNumbers(masters: 32 * ends * (1 + rank), stored: groups))
    }
    let queries = ScaleTraining(.group, modules: TargetModules(["layers.8-15.*.q_proj"]))
    #expect(grouped.trained(queries).masters == 8 * 4096 * 64)
  }

  /// A ring of R ranks passes 2 (R - 1) / R of the bytes over each link.
  @Test(arguments: [2, 4, 64]) func exchangeTakesTheRingsTime(nodes: Int) throws {
    var cluster = PlannedCluster(memory: 64_000_000_000)
    (cluster.nodes, cluster.networkBits, cluster.networkLatency) = (nodes, 1e9, 0)
    let forecast = forecast(try model("llama-7b"), run(batch: nodes), cluster)
    let bytes = Double(forecast.wireBytes)
    let ideal = 2 * Double(nodes - 1) / Double(nodes) * bytes * 8 / 1e9
    // 1448 of the 1538 bytes of an Ethernet frame are data; a ring reaches more than 0.9 of that.
    let framed = ideal * 1538 / 1448
    #expect(forecast.exchangeSeconds >= framed && forecast.exchangeSeconds < framed / 0.9)
    // 8 bytes a scale, and some for each rank and sequence.
    #expect(forecast.wireBytes - 8 * 1_359_872 < 8 * (9 + 3 * nodes) + 1)
  }

  @Test func narrowSumsHalveTheWire() throws {
    var narrow = run()
    narrow.gradientSum = .narrow
    let cluster = PlannedCluster(memory: 64_000_000_000)
    let model = try model("llama-7b", groupSize: 64)
    narrow.scaleGranularity = .group
    var wide = narrow
    wide.gradientSum = .wide
    let ratio =
      Double(forecast(model, narrow, cluster).wireBytes)
      / Double(forecast(model, wide, cluster).wireBytes)
    // 4 bytes and 8 / 256 in place of 8.
    #expect(abs(ratio - (4 + 8.0 / 256) / 8) < 1e-4)
  }

  /// Held-out sequences take activations of one forward pass; tasks a pass of 512 tokens, and keys
  /// and values of their prompts, which those of a 7B model have 32 x 2 x 4096 numbers of a token.
  @Test func evaluationsTakeMemory() throws {
    let model = try model("llama-7b")
    let cluster = PlannedCluster(memory: 64_000_000_000)
    let plain = forecast(model, run(length: 512), cluster).memory.privateBytes
    func bytes(_ change: (inout RunConfig) -> Void) -> Int {
      var run = run(length: 512)
      change(&run)
      let memory = forecast(model, run, cluster).memory
      #expect(memory.privateBytes - memory.evaluationBytes == plain)
      return memory.evaluationBytes
    }
    #expect(bytes { _ in } == 0)
    let heldOut = bytes { $0.valSetSize = 10 }
    // Streams of 4096 numbers, MLPs of 11008, some of each: in all 5 to 20 of the former a token.
    #expect((5..<20).contains(Double(heldOut) / (512 * 4096 * 4)))
    let cache = 32 * 2 * 4096 * 2 * Decoder.scoredTokens
    #expect(bytes { $0.taskEvaluation.tasks = ["piqa"] } == heldOut + cache)
    let both = bytes {
      $0.taskEvaluation.tasks = ["piqa"]
      $0.valSetSize = 10
    }
    #expect(both == heldOut + cache)
  }

  /// Numbers of rows and columns: what is exchanged is O + G in place of O G.
  @Test func rowsAndColumnsSaveTheWire() throws {
    let model = try model("llama-7b", groupSize: 64)
    let cluster = PlannedCluster(memory: 64_000_000_000)
    func bytes(_ granularity: ScaleGranularity) -> Double {
      var run = run()
      run.scaleGranularity = granularity
      return Double(forecast(model, run, cluster).wireBytes)
    }
    #expect(bytes(.rowAndColumn) < bytes(.group) / 50)
    #expect(bytes(.rowAndColumn) < bytes(.row) * 1.02)
    #expect(!model.faults(ScaleTraining(.group, modules: TargetModules(["x"]))).isEmpty)
  }

  /// A step is as long as that of the rank with most sequences.
  @Test func ranksWithNothingToDoDoNotHelp() throws {
    let model = try model("smollm2-135m")
    var cluster = PlannedCluster(memory: 64_000_000_000)
    let one = forecast(model, run(batch: 6), cluster).computeSeconds
    cluster.nodes = 4
    #expect(abs(forecast(model, run(batch: 6), cluster).computeSeconds - one / 3) < one * 1e-9)
  }

  /// Without a gradient of the weights a block multiplies twice with each of its W weights, and
  /// when it computes again, once more with all but those of the two products that end a branch.
  /// What that adds is (W - those) / 2W, 0.347 of 7B. The vocabulary and attention (each 2 % of the
  /// operations at 512 tokens) are repeated to another share, from none to all: they move the 0.347
  /// by 0.02 each at most.
  @Test func recomputingTradesTimeForMemory() throws {
    let model = try model("llama-7b")
    let cluster = PlannedCluster(memory: 64_000_000_000)
    let (again, kept) = (
      forecast(model, run(), cluster), forecast(model, run(), cluster, recomputing: false)
    )
    let (square, wide) = (4096.0 * 4096, 4096.0 * 11_008)
    let weights = 4 * square + 3 * wide
    let added = (weights - square - wide) / (2 * weights)
    #expect(abs(again.computeSeconds / kept.computeSeconds - 1 - added) < 0.04)
    #expect(again.memory.privateBytes < kept.memory.privateBytes / 2)
  }

  // MARK: What a measured rate is worth

  private func rate(
    _ passes: [PassTimes], layers: Int, missing: Double = 0, halvings: Double = 0
  ) -> MeasuredRate {
    MeasuredRate(
      operations: 1e12, passes: passes, layers: layers, threads: 2, seconds: 12.4,
      foreignCores: 0.3, missing: missing, busyThreads: 2,
      halvings: halvings)
  }

  /// 1 s for one block and 1.5 s for three are 0.25 s a block: 10 blocks take 3.25 s.
  @Test func theRateIsThatOfTheLineThroughBothDepths() {
    let passes = [
      PassTimes(layers: 1, calm: [1, 1, 1]), PassTimes(layers: 3, calm: [1.5, 1.5, 1.5]),
    ]
    let found = rate(passes, layers: 10)
    #expect(abs(found.threadRate - 1e12 / 3.25 / 2) < 1)
    #expect(found.relativeError == 0.05)
    #expect(found.text == "measured for 12 s; other programs used 0.3 cores: +- 5 %")
  }

  /// Short sequences are slower per token: a figure of a quarter of the length is worth less.
  @Test func shortenedSequencesMakeTheRateWorthLess() {
    let found = rate([PassTimes(layers: 4, calm: [2, 2])], layers: 4, halvings: 2)
    #expect(found.relativeError == 0.4)
  }

  /// 2 s that every length has and 10 ms for each token: 3.28 s of 128 and 2.64 s of 64 tokens are
  /// 7.12 s of 512.
  @Test func longerSequencesLieOnTheLineThroughTwoLengths() {
    let times = PassTimes(layers: 1, calm: [3.28]).extrapolated(
      from: (64, 2.64), at: 128, to: 512)
    #expect(abs(times.typical - 7.12) < 1e-9)
    let noise = PassTimes(layers: 1, calm: [3]).extrapolated(from: (64, 3.5), at: 128, to: 512)
    #expect(noise.typical == 3, "no less for more tokens")
  }

  /// 0.1 s to both sides of the three blocks is 0.45 s of ten: (10 - 1) / (3 - 1) times as much.
  @Test func errorsGrowWithTheBlocksThatWereNotMeasured() {
    let passes = [
      PassTimes(layers: 1, calm: [1, 1, 1]), PassTimes(layers: 3, calm: [1.4, 1.5, 1.6]),
    ]
    let found = rate(passes, layers: 10)
    #expect(abs(found.relativeError - 0.45 / 3.25) < 1e-9)
    #expect(found.text.hasSuffix("+- 15 %"))
  }

  /// A disturbance only adds: the least counts where no pass was without one, and says little.
  @Test func disturbedPassesCountOnlyWhereThereAreNoOthers() {
    let calm = rate([PassTimes(layers: 4, calm: [2], disturbed: [1, 5])], layers: 4)
    #expect(abs(calm.threadRate - 1e12 / 2 / 2) < 1)
    #expect(abs(calm.relativeError - 0.1) < 1e-9, "one pass alone")
    let busy = rate([PassTimes(layers: 4, disturbed: [3, 5, 4])], layers: 4, missing: 1)
    #expect(abs(busy.threadRate - 1e12 / 3 / 2) < 1)
    #expect(busy.relativeError == 0.5, "one core of two was missing")
  }

  /// Three blocks that seem to take less than one do not make the rest of the model free, and more
  /// than three times as much does not make it dearer than three blocks are.
  @Test(arguments: [(0.9, 1.0), (4.0, 1.0 + 4.0 / 3 * 9)])
  func depthsThatContradictEachOtherAreBounded(three: Double, seconds: Double) {
    let passes = [PassTimes(layers: 1, calm: [1, 1]), PassTimes(layers: 3, calm: [three, three])]
    #expect(abs(1e12 / rate(passes, layers: 10).threadRate / 2 - seconds) < 1e-9)
  }

  @Test func theBestSettingFits() throws {
    let model = try model("llama-65b", bits: 3)
    var cluster = PlannedCluster(memory: 24_000_000_000)
    // 25 GB of base on 24 GB: read block by block, several sequences for each reading.
    cluster.diskRate = 2e9
    let best = try #require(StepForecast.best(model, run(), on: cluster))
    #expect(best.forecast.fits && best.forecast.streamedBlocks != nil)
    #expect(best.forecast.nodeBytes < 24_000_000_000)
    cluster.diskRate = 1e7
    #expect(try #require(StepForecast.best(model, run(), on: cluster)).setting.microBatch > 1)
    // Room for everything: nothing is computed again.
    let large = PlannedCluster(memory: 512_000_000_000)
    #expect(try #require(StepForecast.best(model, run(), on: large)).setting.recomputing == false)
    // Not even a window of two blocks and the vocabulary.
    #expect(StepForecast.best(model, run(), on: PlannedCluster(memory: 1_000_000_000)) == nil)
  }
}
