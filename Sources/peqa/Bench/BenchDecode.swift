internal import ArgumentParser
internal import DecoderModel
internal import Evaluation
internal import Foundation
internal import JSONText
internal import Kernels
internal import Machine
internal import Reporting
internal import Training

/// Reading a prompt and generating behind it, token by token.
struct BenchDecode: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decode", abstract: "Time a prompt of random tokens and greedy generation.")

  @OptionGroup var baseOptions: BenchBaseOptions

  @Option(help: "Tokens of the prompt.")
  var promptLength = 512

  @Option(help: "Tokens that are generated behind it.")
  var generate = 128

  @OptionGroup var computing: ComputeOptions
  @OptionGroup var options: BenchOptions

  func validate() throws {
    guard promptLength > 0, generate > 0 else {
      throw ValidationError("--prompt-length and --generate must be positive.")
    }
  }

  func run() throws {
    let console = options.console
    let limits = try options.ratioLimits()
    let compute = try computing.compute(automatic: .ofOneProcess(console))
    try baseOptions.withModel(console) { model, signals in
      let decoder = Decoder(config: model.config, weights: model.weights, compute: compute)
      let ((prompt, decode), peak) = try compute.besidePeak { try measure(decoder, signals) }
      let bytes = decoder.bytesPerToken(depth: promptLength + generate / 2)
      let share = decode.median * Double(bytes) / peak.bandwidth
      options.show(
        table(prompt, decode, bytes: bytes, share: share, threads: compute.pool.threads),
        context: compute.context(peak))
      try options.hold(
        [.init("decode_share_of_bandwidth", "decode", share)], to: limits)
    }
  }

  /// Tokens a second of prompt and generation.
  private func measure(
    _ decoder: Decoder, _ signals: StopSignals
  ) throws -> (prompt: Spread, decode: Spread) {
    var random = SplitMix64(seed: 42)
    let vocabulary = Int32(decoder.config.vocabularySize)
    let prompt = (0..<promptLength).map { _ in Int32.random(in: 0..<vocabulary, using: &random) }
    let cache = decoder.cache(capacity: promptLength + generate)
    var (promptRates, decodeRates): ([Double], [Double]) = ([], [])
    var logits: [Float] = []
    for turn in 0...options.repetitions {
      cache.truncate(to: 0)
      var clock = Stopwatch()
      for start in stride(from: 0, to: promptLength, by: TokenGenerator.promptChunk) {
        if let interruption = signals.interruption { throw interruption }
        let end = min(promptLength, start + TokenGenerator.promptChunk)
        try decoder.extend(Array(prompt[start..<end]), cache, into: &logits)
      }
      let promptSeconds = clock.seconds
      var sampler = Sampler(try SamplingSettings())
      clock = Stopwatch()
      for _ in 0..<generate {
        if let interruption = signals.interruption { throw interruption }
        guard let token = sampler.next(logits) else {
          throw EvaluationError.logitNotFinite(position: cache.count)
        }
        try decoder.extend([token], cache, into: &logits)
      }
      // The first turn touches memory for the first time.
      if turn == 0 { continue }
      promptRates.append(Double(promptLength) / promptSeconds)
      decodeRates.append(Double(generate) / clock.seconds)
    }
    return (Spread(promptRates), Spread(decodeRates))
  }

  private func table(
    _ prompt: Spread, _ decode: Spread, bytes: Int, share: Double, threads: Int
  ) -> MeasurementTable {
    var table = MeasurementTable([
      ("prompt_length", "prompt"), ("generate", "generated"), ("threads", "threads"),
      ("prompt_tokens_per_second", "prompt tok/s"),
      ("prompt_lower_quartile", "lower quartile"), ("prompt_upper_quartile", "upper quartile"),
      ("decode_tokens_per_second", "decode tok/s"),
      ("decode_lower_quartile", "lower quartile"), ("decode_upper_quartile", "upper quartile"),
      ("repetitions", "repetitions"), ("megabytes_per_token", "MB per token"),
      ("share_of_bandwidth", "share of bandwidth"),
    ])
    table.add([
      .integer(promptLength), .integer(generate), .integer(threads),
      .real(prompt.median, digits: 1), .real(prompt.lowerQuartile, digits: 1),
      .real(prompt.upperQuartile, digits: 1), .real(decode.median, digits: 1),
      .real(decode.lowerQuartile, digits: 1), .real(decode.upperQuartile, digits: 1),
      .integer(options.repetitions), .real(Double(bytes) / 1e6, digits: 1),
      .real(share, digits: 3),
    ])
    return table
  }
}
