internal import ExitCodes

/// Why a number could not be added exactly.
package enum ExactSumError: ExitCoded, Equatable {
  case notFinite(index: Int, value: Double)
  /// `limit`: the largest magnitude that one addend may have.
  case outOfRange(index: Int, value: Double, limit: Double)

  package var exitCode: Int32 { 3 }

  package static func == (left: Self, right: Self) -> Bool {
    // By text, so that a NaN equals a NaN.
    left.description == right.description
  }
}

extension ExactSumError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .notFinite(let index, let value):
      """
      element \(index) of a sum is \(value). Lower the learning rate, or look at the data of this \
      step.
      """
    case .outOfRange(let index, let value, let limit):
      """
      element \(index) of a sum is \(value), beyond the \(limit) that fixed point holds for one \
      sequence. The run has diverged, or the global batch is too large for this many fraction bits.
      """
    }
  }
}
