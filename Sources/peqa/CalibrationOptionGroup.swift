internal import ArgumentParser
internal import Calibration
internal import Checkpoints
internal import DecoderModel
internal import Evaluation
internal import Quantization
internal import Tokenization

/// How a quantization looks at text.
struct CalibrationOptionGroup: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How codes are found: rtn, diagonal, gptq or blockwise.",
      discussion: """
        rtn rounds each weight by itself. diagonal does so on grids that know how large the layer's \
        inputs are. gptq lets later columns make up for the errors of earlier ones, then moves \
        scales, zero points and codes to the least error of the outputs. blockwise trains them \
        against each block's outputs as well.
        """))
  var method: QuantizationSettings.Method?

  @Option(help: ArgumentHelp("Text to calibrate with.", valueName: "file"))
  var calibration: String?

  @Option(help: "Sequences of it to look at. (default: 64)")
  var calibrationSequences: Int?

  @Option(help: "Tokens of each. (default: 512)")
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

  func validate() throws {
    func require(_ holds: Bool, _ text: String) throws {
      if !holds { throw ValidationError(text) }
    }
    try require((1...1_000_000).contains(sequences), "--calibration-sequences must be at least 1.")
    try require((2...1 << 20).contains(length), "--calibration-length must be at least 2.")
    try require(damping > 0 && damping <= 1, "--damping must be above 0 and at most 1.")
    try require(isPositive, "--epochs, --rounding-rate and --scale-rate must not be negative.")
    try require((0...1000).contains(sweeps), "--sweeps must be in 0...1000.")
  }

  private var isPositive: Bool { roundingRate >= 0 && scaleRate >= 0 && epochs >= 1 }

  private var sequences: Int { calibrationSequences ?? 64 }
  private var length: Int { calibrationLength ?? 512 }

  func options(_ method: QuantizationSettings.Method, text: String) -> CalibrationOptions {
    var options = CalibrationOptions()
    (options.damping, options.ordersColumns) = (damping, actOrder)
    options.feedsErrorsBack = method != .diagonal
    options.rounds = method == .diagonal ? 0 : sweeps
    options.trainsBlocks = method == .blockwise
    (options.epochs, options.roundingRate, options.scaleRate) = (epochs, roundingRate, scaleRate)
    (options.sequences, options.length, options.text) = (sequences, length, text)
    return options
  }

  /// The sequences of the text.
  func set(_ tokenizer: Tokenizer) throws -> CalibrationSet {
    let tokens = try TextFile.tokens(calibration ?? "", tokenizer)
    return try CalibrationSet(tokens: tokens, length: length, count: sequences)
  }
}

extension QuantizationSettings.Method: ExpressibleByArgument {}
