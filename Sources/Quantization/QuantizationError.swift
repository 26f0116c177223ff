internal import ExitCodes

/// What can be wrong with quantization settings or with the weights that are quantized.
package enum QuantizationError: ExitCoded, Equatable, Sendable, CustomStringConvertible {
  /// A setting outside its range; `remedy` says what is allowed.
  case badSetting(name: String, value: String, remedy: String)
  /// A NaN or an infinity at (row, column) of a matrix.
  case notFinite(row: Int, column: Int)
  /// A weight so large that its scale does not fit in 16 bits.
  case scaleOverflow(row: Int, group: Int)
  case cancelled

  package var description: String {
    switch self {
    case .badSetting(let name, let value, let remedy): "\(name) \(value): \(remedy)"
    case .notFinite(let row, let column):
      "weight [\(row), \(column)] is not a finite number. The file is damaged: fetch it again."
    case .scaleOverflow(let row, let group):
      "the scale of row \(row), group \(group) does not fit in 16 bits. "
        + "The weights are far outside the range of a language model: check the checkpoint."
    case .cancelled: "quantization was cancelled; nothing was written."
    }
  }

  package var exitCode: Int32 {
    switch self {
    case .badSetting: 78
    case .notFinite, .scaleOverflow: 65
    case .cancelled: 130
    }
  }
}
