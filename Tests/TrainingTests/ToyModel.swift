import Checkpoints
import Datasets
import DecoderModel
import Foundation
import JSONText
import TestSupport
import Training

/// A logistic model over hashed tokens: small, smooth, and its gradient depends on the parameters
/// and the one sequence only. Target t is class t % 2.
final class ToyModel: TrainableModel {
  static let parameters = 37
  private var weights = [Float](repeating: 0, count: ToyModel.parameters)
  /// Sequences that hold this token give a loss that is not a number.
  var poison: Int32?

  var parameterCount: Int { Self.parameters }

  func copyInitialParameters(to values: UnsafeMutableBufferPointer<Float>) {
    for i in values.indices { values[i] = Float(i % 5) / 64 }
  }

  /// After so many updates a bit of the master copy flips, as in bad memory.
  var flipAfter: Int?
  private var updates = -1

  /// What is said of the scales from that update on.
  var scaleFaults: (after: Int, faults: ScaleFaults)?

  @discardableResult
  func setParameters(_ values: UnsafeBufferPointer<Float>) -> ScaleFaults {
    weights = Array(values)
    updates += 1
    if updates == flipAfter, let base = values.baseAddress {
      let master = UnsafeMutablePointer(mutating: base + 11)
      master.pointee = Float(bitPattern: master.pointee.bitPattern ^ 1)
    }
    return scaleFaults.flatMap { updates >= $0.after ? $0.faults : nil } ?? ScaleFaults()
  }

  func lossesAndGradients(
    _ sequences: [PackedSequence], add: GradientSink
  ) throws -> [SequenceLoss] {
    try sequences.enumerated().map { place, sequence in
      var gradient = [Float](repeating: 0, count: Self.parameters)
      let loss = try visit(sequence) { index, slope in gradient[index] += slope }
      gradient.withUnsafeBufferPointer { all in
        // Two pieces, the last first, as blocks of a decoder come.
        for range in [20..<Self.parameters, 0..<20] {
          add(place, range.lowerBound, UnsafeBufferPointer(rebasing: all[range]))
        }
      }
      return loss
    }
  }

  func loss(_ sequence: PackedSequence) throws -> SequenceLoss {
    try visit(sequence) { _, _ in }
  }

  private func visit(
    _ sequence: PackedSequence, _ add: (Int, Float) -> Void
  ) throws -> SequenceLoss {
    var sum = 0.0
    var tokens = 0
    for (token, target) in zip(sequence.tokens, sequence.targets) where target >= 0 {
      let features = [Int(token) % 37, Int(token) * 7 % 37, (Int(token) + 11) % 37]
      let logit = features.reduce(Float(0)) { $0 + weights[$1] }
      let side: Float = target % 2 == 0 ? 1 : -1
      sum += log1p(exp(Double(-side * logit)))
      let slope = -side / (1 + exp(side * logit))
      for feature in features { add(feature, slope) }
      tokens += 1
    }
    if let poison, sequence.tokens.contains(poison) { sum = .nan }
    return SequenceLoss(sum: sum, tokens: tokens)
  }

  func adapterTensors() -> [AdapterTensor] {
    [
      AdapterTensor(
        name: "toy.scales", type: .f32, shape: [Self.parameters, 1],
        bytes: weights.withUnsafeBytes { Array($0) })
    ]
  }

  func setAdapter(_ tensors: [AdapterTensor]) {
    weights = tensors[0].bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
  }

  var adapterDescription: [(String, JSONValue)] {
    [("base_sha256", "toy"), ("bits", 4), ("scale_granularity", "row")]
  }
}

/// Sequences of unequal length from a fixed pseudo-random stream; about a third of targets masked.
struct ToyData: SequenceSource {
  var count: Int
  var seed: UInt64 = 1

  func sequence(at index: Int) -> PackedSequence {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(index) &* 0xD134_2543_DE82_EF95
    func next() -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 40)
    }
    let length = 3 + next() % 20
    let tokens = (0..<length).map { _ in Int32(next() % 500) }
    // Learnable: the class is a function of the token, with some noise.
    let targets = tokens.enumerated().map { position, token -> Int32 in
      if position > 0, next() % 3 == 0 { return -1 }
      return next() % 8 == 0 ? Int32(next() % 2) : token % 37 % 2
    }
    return PackedSequence(
      tokens: tokens, targets: targets, segmentOffsets: [0], sampleIDs: [index])
  }

  func origin(ofSample id: Int) -> String { "toy.jsonl:\(id + 1)" }
}

/// What a toy run left behind.
struct ToyResult {
  var outcomes: [TrainOutcome]
  var adapter: [UInt8]
  /// Step -> loss, as digits in `metrics.jsonl`.
  var losses: [Int: String]
  var evaluations: [Int: String]
}

struct ToyRun {
  var config = RunConfig()
  var ranks = 1
  var examples = 23
  /// Whether there are held-out data.
  var evaluates = true
  var stopAfter: Int?
  var dataDigest = "data"
  var poison: Int32?
  var tasks: (@Sendable (ToyModel) -> TaskMeasurement)?
  var scaleFaults: (after: Int, faults: ScaleFaults)?
  /// The rank whose memory goes bad, and after which update.
  var flip: (rank: Int, after: Int)?

  init(_ folder: String, steps: Int = 20) {
    config.model = "base"
    config.outputDirectory = folder
    config.globalBatchSize = 5
    config.maxSteps = steps
    config.learningRate = 0.05
    config.warmupSteps = 3
    config.weightDecay = 0.01
    config.evalSteps = 4
    config.saveSteps = 3
    config.saveTotalLimit = 0
  }

  func callAsFunction(report: @escaping @Sendable (TrainEvent) -> Void = { _ in }) throws
    -> ToyResult
  {
    let outcomes = try onRanks(ranks) { group in
      let model = ToyModel()
      model.poison = poison
      model.scaleFaults = scaleFaults
      model.flipAfter = flip.flatMap { $0.rank == group.rank ? $0.after : nil }
      var run = TrainRun(
        config: config, model: model, ranks: group, training: ToyData(count: examples),
        evaluation: evaluates ? ToyData(count: 7, seed: 2) : nil, baseDigest: "toy",
        dataDigest: dataDigest)
      var calls = 0
      let stopAfter = stopAfter
      // Only the last rank gets the signal: the others learn of it from the all-reduce.
      run.stopRequested = {
        calls += 1
        return group.rank == group.size - 1 && stopAfter.map { calls >= $0 } ?? false
      }
      run.tasks = tasks?(model)
      run.report = report
      return try TrainLoop(run)()
    }
    let folder = config.outputDirectory
    let adapter =
      (try? Data(contentsOf: URL(fileURLWithPath: folder + "/adapter_model.safetensors"))) ?? Data()
    var result = ToyResult(
      outcomes: outcomes, adapter: Array(adapter), losses: [:], evaluations: [:])
    let text = try String(contentsOfFile: folder + "/metrics.jsonl", encoding: .utf8)
    for line in text.split(separator: "\n") {
      let record = try JSONValue(parsing: String(line))
      guard let step = record["step"]?.int else { continue }
      if let loss = record["loss"] { result.losses[step] = loss.text() }
      if let loss = record["eval_loss"] { result.evaluations[step] = loss.text() }
    }
    return result
  }
}

/// A run in the folder `run`.
func toy(_ folder: TemporaryFolder, _ change: (inout ToyRun) -> Void = { _ in }) -> ToyRun {
  var run = ToyRun(folder("run"))
  change(&run)
  return run
}
