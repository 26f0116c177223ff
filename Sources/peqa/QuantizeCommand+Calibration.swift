internal import ArgumentParser
internal import Calibration
internal import Checkpoints
internal import Collectives
internal import DecoderModel
internal import Interchange
internal import Kernels
internal import Quantization
internal import Reporting
internal import Tokenization
internal import Training

// Codes, and with --bits auto their bits and groups, by looking at text.
extension Quantize {
  /// All ranks find the codes; the first writes them.
  func calibrate(
    _ source: ModelSource, _ options: QuantizeOptions, _ tokenizer: Tokenizer,
    _ pool: WorkerPool, _ signals: StopSignals, _ rank: RankContext
  ) throws {
    let console = rank.console
    let candidates = try candidates(source, options, pool, rank)
    let compute = try KernelChoice.compute(threads: pool.threads, dtype: .fp32)
    let set = try calibrating.set(tokenizer, longest: source.config.maximumLength, rank, signals)
    let own = calibrating.options(method, length: set.length)
    console.log(
      "calibrating on \(set.sequences.count) sequences of \(set.length) tokens of \(own.text); "
        + "\(set.heldOut.count) more are kept aside to judge by")
    var (options, choice) = (options, FormChoice?.none)
    if let candidates, let size {
      let costs = try FormSensitivity(
        source, candidates, options.settings, own, set, compute: compute,
        communicator: rank.communicator, isCancelled: { signals.received != nil },
        progress: progress("measure", console)
      ).measure()
      let found = try FormChoice(candidates, costs: costs, size: size.byteCount)
      (options.grids, choice) = (found.grids, found)
    }
    let isFirst = rank.communicator.rank == 0
    if dryRun {
      if isFirst { try make(source, options, nil, compute.pool, signals, rank, choice) }
      return
    }
    let codes = try CalibratedCodes(
      source, options, own, set, choice: choice, compute: compute,
      communicator: rank.communicator, isCancelled: { signals.received != nil },
      progress: progress("quantize", console))
    guard isFirst else {
      _ = try codes.follow()
      return
    }
    try make(source, options, codes, compute.pool, signals, rank)
  }

  /// With --bits auto: what there is to choose from. All that can be wrong is found before anything
  /// is measured.
  private func candidates(
    _ source: ModelSource, _ options: QuantizeOptions, _ pool: WorkerPool, _ rank: RankContext
  ) throws -> FormCandidates? {
    guard let size else { return nil }
    let candidates = try FormCandidates(source, options, groupSize: groupSize)
    try candidates.check(size: size.byteCount)
    if rank.communicator.rank == 0 {
      _ = try QuantizeModel(source, options, pool: pool).plan(output: output)
    }
    return candidates
  }

  private func progress(
    _ label: String, _ console: Console
  ) -> (CalibratedCodes.Progress) -> Void {
    var line: ProgressLine?
    return {
      let shown = line ?? ProgressLine(console, label, total: $0.total)
      line = shown
      if $0.done == $0.total { shown.finish($0.done) } else { shown.update($0.done, $0.text) }
    }
  }
}

/// A number of bits, or `auto`.
enum BitsOption: ExpressibleByArgument, Equatable {
  case number(Int)
  case auto

  init?(argument: String) {
    if argument == "auto" {
      self = .auto
    } else if let number = Int(argument) {
      self = .number(number)
    } else {
      return nil
    }
  }

  var number: Int? { if case .number(let bits) = self { bits } else { nil } }
}

/// Of matrices with a row for each token.
enum VocabularyBits: Int, ExpressibleByArgument, CaseIterable {
  case eight = 8
  case sixteen = 16
}

/// Bytes, with or without a unit.
struct SizeOption: ExpressibleByArgument {
  let byteCount: Int

  init?(argument: String) {
    guard let bytes = Reporting.byteCount(of: argument), bytes > 0 else { return nil }
    byteCount = bytes
  }
}
