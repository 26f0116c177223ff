internal import ExitCodes

/// What can be wrong with calibration.
package enum CalibrationError: ExitCoded, CustomStringConvertible {
  case textTooShort(tokens: Int, needed: Int)
  case sequencesTooLong(Int, longest: Int)
  /// Inputs of a layer that are infinite or not a number.
  case notFinite(layer: Int)
  /// Bytes that a base shall take at most, and those of the smallest and the largest one.
  case sizeTooSmall(Int, least: Int, largest: Int)
  case cancelled

  package var exitCode: Int32 {
    switch self {
    case .textTooShort: 65
    case .sequencesTooLong: 78
    case .notFinite: 65
    case .sizeTooSmall: 78
    case .cancelled: 130
    }
  }

  package var description: String {
    switch self {
    case .textTooShort(let tokens, let needed):
      "the calibration text has \(tokens) tokens; it needs at least \(needed). Give a longer text, or "
        + "a shorter --calibration-length."
    case .sequencesTooLong(let length, let longest):
      "--calibration-length is \(length), but the model takes \(longest) tokens. Give that or less."
    case .notFinite(let layer):
      "block \(layer) of the model gives numbers that are infinite or not numbers on the calibration "
        + "text. The model is damaged, or needs more than fp32."
    case .sizeTooSmall(let size, let least, let largest):
      "--size is \(size) bytes, but the smallest base of this model takes \(least). Give that or more; "
        + "above \(largest) bytes nothing is gained."
    case .cancelled: "quantization was cancelled; nothing was written."
    }
  }
}
