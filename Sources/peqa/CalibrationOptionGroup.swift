internal import ArgumentParser
internal import Calibration
internal import Checkpoints
internal import Datasets
internal import DecoderModel
internal import Evaluation
internal import Foundation
internal import Quantization
internal import Tokenization

/// How a quantization looks at text.
struct CalibrationOptionGroup: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How codes are found: rtn, diagonal, gptq or blockwise. (default: gptq up to 4 bits, else rtn)",
      discussion: """
        rtn rounds each weight by itself. diagonal does so on grids that know how large the layer's \
        inputs are. gptq lets later columns make up for the errors of earlier ones, then moves \
        scales, zero points and codes to the least error of the outputs. blockwise trains them \
        against each block's outputs as well.
        """))
  var method: QuantizationSettings.Method?

  @Option(
    help: ArgumentHelp(
      "Text or data set to calibrate with. (default: text that the program brings)",
      valueName: "file"))
  var calibration: String?

  @Option(help: "Form of the data set, such as alpaca, chat, completion or text.")
  var calibrationType = "auto"

  @Option(help: "Sequences of it to look at. (default: 64)")
  var calibrationSequences: Int?

  @Option(help: "Tokens of each. (default: 512, or as many as the model takes)")
  var calibrationLength: Int?

  @Flag(
    inversion: .prefixedNo,
    help: "Round columns with large inputs first (act-order; nothing in the base shows it).")
  var actOrder = true

  @Option(help: "Share of the mean square of the inputs that is added to each of them.")
  var damping = 0.01

  @Option(help: "Sweeps over scales, zero points and codes behind GPTQ; 0 leaves what it gives.")
  var sweeps = 4

  @Option(help: "Passes over the text in which blocks are trained (blockwise).")
  var epochs = 2

  @Option(help: "Learning rate of weights in steps of their grid (blockwise).")
  var roundingRate = 0.005

  @Option(help: "Learning rate of relative changes of scales (blockwise).")
  var scaleRate = 0.0005

  @Option(help: "Learning rate of zero points; 0 leaves them as they are (blockwise).")
  var zeroRate = 0.0

  func validate() throws {
    func require(_ holds: Bool, _ text: String) throws {
      if !holds { throw ValidationError(text) }
    }
    _ = try usage { try DatasetType(name: calibrationType) }
    try require(
      calibration != nil || calibrationType == "auto", "--calibration-type needs --calibration.")
    try require((1...1_000_000).contains(sequences), "--calibration-sequences must be at least 1.")
    try require(
      (2...1 << 20).contains(calibrationLength ?? 2), "--calibration-length must be at least 2.")
    try require(damping > 0 && damping <= 1, "--damping must be above 0 and at most 1.")
    try require(isPositive, "--epochs and learning rates must not be negative.")
    try require((0...1000).contains(sweeps), "--sweeps must be in 0...1000.")
  }

  private var isPositive: Bool {
    roundingRate >= 0 && scaleRate >= 0 && zeroRate >= 0 && epochs >= 1
  }

  private var sequences: Int { calibrationSequences ?? 64 }

  /// What codes of so many bits are found by. Up to 4 the inputs decide what a model is worth; with
  /// 8 nothing is left to be gained.
  func method(bits: Int) -> QuantizationSettings.Method {
    method ?? (calibration == nil && bits > 4 ? .rtn : .gptq)
  }

  /// - Parameter length: of the sequences that are looked at.
  func options(_ method: QuantizationSettings.Method, length: Int) -> CalibrationOptions {
    var options = CalibrationOptions()
    (options.damping, options.ordersColumns) = (damping, actOrder)
    options.feedsErrorsBack = method != .diagonal
    options.rounds = method == .diagonal ? 0 : sweeps
    options.trainsBlocks = method == .blockwise
    (options.epochs, options.roundingRate, options.scaleRate) = (epochs, roundingRate, scaleRate)
    options.zeroRate = zeroRate
    (options.sequences, options.length) = (sequences, length)
    options.text =
      calibration.map { URL(fileURLWithPath: $0).lastPathComponent } ?? DefaultText.name
    return options
  }

  /// The sequences that are looked at; all ranks call it together.
  ///
  /// - Parameter longest: that the model takes.
  func set(
    _ tokenizer: Tokenizer, longest: Int, _ rank: RankContext, _ signals: StopSignals
  ) throws -> CalibrationSet {
    let length = calibrationLength ?? min(512, longest)
    guard length <= longest else {
      throw CalibrationError.sequencesTooLong(length, longest: longest)
    }
    guard let calibration else {
      let tokens = TextFile.tokens(Array(DefaultText.text.utf8), tokenizer)
      return try CalibrationSet(tokens: tokens, length: length, count: sequences)
    }
    return try CalibrationText(path: calibration, type: DatasetType(name: calibrationType))
      .set(tokenizer, length: length, count: sequences, rank, signals)
  }
}

extension QuantizationSettings.Method: ExpressibleByArgument {}
