internal import ArgumentParser
internal import Datasets
internal import DecoderModel
internal import Foundation
internal import JSONText
internal import Kernels
internal import Training

/// Gradient steps over random tokens: forward, backward, gradients of all scales.
struct BenchStep: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "step", abstract: "Time training steps on random tokens.")

  @OptionGroup var baseOptions: BenchBaseOptions

  @Option(help: "Sequences a step.")
  var batch = 4

  @Option(help: "Tokens a sequence.")
  var length = 512

  @Option(help: "Steps that are timed, after one that is not.")
  var steps = 5

  @Option(help: "What is trained: row or group.")
  var scaleGranularity = ScaleGranularity.row

  @Flag(
    inversion: .prefixedNo,
    help: "Compute products again in the backward pass, or keep their outputs.")
  var gradientCheckpointing = true

  @OptionGroup var computing: ComputeOptions
  @OptionGroup var outputOptions: OutputOptions

  func validate() throws {
    guard batch > 0, length > 1, steps > 0 else {
      throw ValidationError("--batch and --steps must be positive, --length at least 2.")
    }
  }

  func run() throws {
    let console = Console()
    let compute = try computing.compute(automatic: .ofOneProcess(console))
    try baseOptions.withModel(console) { model, signals in
      try measure(model, compute, signals)
    }
  }

  private func measure(
    _ model: LoadedModel, _ compute: Compute, _ signals: StopSignals
  ) throws {
    let decoder = Decoder(config: model.config, weights: model.weights, compute: compute)
    decoder.recomputesProducts = gradientCheckpointing
    let tuning = ScaleTuning(
      decoder: decoder,
      base: try model.requiredBase(), granularity: scaleGranularity, parametrization: .relative)
    let seconds = try timeSteps(tuning, model.config.vocabularySize, signals).sorted()
    let rates = seconds.map { Double(batch * length) / $0 }
    report(rates, compute, trained: tuning.parameterCount)
  }

  private func timeSteps(
    _ tuning: ScaleTuning, _ vocabulary: Int, _ signals: StopSignals
  ) throws -> [Double] {
    var generator = SystemRandomNumberGenerator()
    var gradient = [Float](repeating: 0, count: tuning.parameterCount)
    return try (0...steps).map { _ in
      let clock = Stopwatch()
      for _ in 0..<batch {
        if let interruption = signals.interruption { throw interruption }
        let tokens = (0..<length).map { _ in
          Int32.random(in: 0..<Int32(vocabulary), using: &generator)
        }
        let sequence = PackedSequence(
          tokens: tokens, targets: tokens.dropFirst() + [-1], segmentStarts: [0], sampleIDs: [0])
        try gradient.withUnsafeMutableBufferPointer {
          _ = try tuning.lossAndGradient(sequence, gradient: $0)
        }
      }
      return clock.seconds
    }.dropFirst().map { $0 }
  }

  private func report(_ rates: [Double], _ compute: Compute, trained: Int) {
    let console = Console()
    let median = rates[rates.count / 2]
    let memory = MemoryUse.current ?? MemoryUse()
    if outputOptions.json {
      let result: JSONValue = [
        "tokens_per_second_median": .real(median), "tokens_per_second_best": .real(rates[0]),
        "tokens_per_second_worst": .real(rates[rates.count - 1]), "batch": .integer(batch),
        "length": .integer(length), "threads": .integer(compute.pool.threads),
        "kernel_path": .string(compute.instructionSet.rawValue),
        "dtype": .string(compute.precision.rawValue), "trained_scales": .integer(trained),
        "peak_private_mb": .real(Double(memory.privateBytes) / 1e6),
        "shared_mb": .real(Double(memory.sharedBytes) / 1e6),
      ]
      console.result(result.text())
    } else {
      console.result(
        """
        \(batch) x \(length) tokens, \(compute.pool.threads) threads, \
        \(compute.instructionSet.rawValue), \(compute.precision.rawValue)
        tokens/s        \(Int(median)) median (\(Int(rates[rates.count - 1])) to \(Int(rates[0])))
        private memory  \(memory.privateBytes / 1_000_000) MB
        shared memory   \(memory.sharedBytes / 1_000_000) MB
        """)
    }
  }
}

extension ScaleGranularity: ExpressibleByArgument {}
