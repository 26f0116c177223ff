internal import ExitCodes

/// What can be wrong with calibration.
package enum CalibrationError: ExitCoded, CustomStringConvertible {
  case textTooShort(tokens: Int, needed: Int)
  /// Inputs of a layer that are infinite or not a number.
  case notFinite(layer: Int)
  case cancelled

  package var exitCode: Int32 {
    switch self {
    case .textTooShort: 65
    case .notFinite: 65
    case .cancelled: 130
    }
  }

  package var description: String {
    switch self {
    case .textTooShort(let tokens, let needed):
      "the calibration text has \(tokens) tokens; it needs at least \(needed). Give a longer text, or "
        + "a shorter --calibration-length."
    case .notFinite(let layer):
      "block \(layer) of the model gives numbers that are infinite or not numbers on the calibration "
        + "text. The model is damaged, or needs more than fp32."
    case .cancelled: "quantization was cancelled; nothing was written."
    }
  }
}
