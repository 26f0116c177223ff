internal import Collectives
internal import DecoderModel
internal import Foundation
internal import JSONText
internal import Tokenization
internal import Training

/// The model that a run learns from: found and compared with the base, its weights not yet read.
struct Teacher {
  let path: String
  let config: DecoderConfig
  /// What it is asked.
  let question: TeacherQuestion
  /// What its reader should be told about it.
  let warning: String?
  private let weights: Weights

  private enum Weights {
    case base(QuantizedBase)
    case model(ModelSource)
  }

  /// Nil where a run learns from its data alone.
  ///
  /// - Throws: `TrainingError.badTeacher`, or `.config` for what the run asks of it.
  init?(of run: RunConfig, _ base: QuantizedBase, _ tokenizer: Tokenizer) throws {
    guard run.objective == .distill else { return nil }
    path = run.teacher
    if QuantizedBase.isBase(path) {
      let found = try QuantizedBase(path: path)
      (config, weights) = (found.config, .base(found))
    } else {
      let found = try ModelSource.open(path)
      (config, weights) = (found.config, .model(found))
    }
    question = TeacherQuestion(
      tokens: min(run.distillTopK, config.vocabularySize), temperature: run.distillTemperature,
      blocks: try Self.blocks(of: run, base.config))
    warning =
      config.digest == base.config.digest
      ? nil
      : "the teacher \(path) is not the model that the base was made of: its configuration is "
        + "another. Its tokens are the same, so it can teach."
    try check(run, base.config)
    guard try Tokenizer.load(from: path).fingerprint == tokenizer.fingerprint else {
      throw refusal("its tokenizer is not that of the base, so its token ids mean other words")
    }
  }

  /// Blocks whose streams are compared; none where distributions are all.
  private static func blocks(of run: RunConfig, _ base: DecoderConfig) throws -> [Int] {
    guard run.distillHiddenWeight > 0 else { return [] }
    if let last = run.distillHiddenBlocks.last, last >= base.layerCount {
      throw TrainingError.config([
        ConfigFault(
          message: "distill_hidden_blocks names block \(last), but the model has blocks 0 to "
            + "\(base.layerCount - 1).")
      ])
    }
    return run.distillHiddenBlocks.isEmpty
      ? Array(0..<base.layerCount) : run.distillHiddenBlocks
  }

  private func check(_ run: RunConfig, _ base: DecoderConfig) throws {
    guard config.vocabularySize == base.vocabularySize else {
      throw refusal(
        "it has a vocabulary of \(config.vocabularySize) tokens, the base one of "
          + "\(base.vocabularySize)")
    }
    guard config.maximumLength >= run.maxSequenceLength else {
      throw refusal(
        "it was made for \(config.maximumLength) tokens, max_seq_length is \(run.maxSequenceLength)"
      )
    }
    let isAlike = config.layerCount == base.layerCount && config.hiddenSize == base.hiddenSize
    guard question.blocks.isEmpty || isAlike else {
      throw refusal(
        "it has \(config.layerCount) blocks of width \(config.hiddenSize), the base "
          + "\(base.layerCount) of \(base.hiddenSize): set distill_hidden_weight to 0")
    }
  }

  private func refusal(_ reason: String) -> TrainingError {
    .badTeacher(
      path: path,
      reason: "this model cannot teach: \(reason). Name the model that the base was made of.")
  }

  /// SHA-256 of its weights, which are read for it.
  ///
  /// - Parameter progress: told the part that is done, now and then; what it throws ends the
  ///   reading.
  func digest(progress: (Double) throws -> Void) throws -> String {
    switch weights {
    case .base(let base): return base.manifest.baseDigest
    case .model(let source):
      let digest = SourceDigest(source)
      for step in 1...100 {
        try progress(Double(step - 1) / 100)
        digest.advance(to: Double(step) / 100)
      }
      return digest.finish()
    }
  }
}
