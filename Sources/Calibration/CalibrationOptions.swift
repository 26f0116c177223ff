package import JSONText

/// How a calibrated quantization goes about it.
package struct CalibrationOptions: Sendable, Equatable {
  /// Columns make up for each other's errors (GPTQ); else grids alone know the inputs.
  package var feedsErrorsBack = true
  /// Share of the mean square of the inputs that is added to each of them.
  package var damping = 0.01
  /// Columns with large inputs are rounded first.
  package var ordersColumns = true
  /// Sweeps over scales, zero points and codes behind it.
  package var rounds = 4
  /// What was looked at.
  package var text = ""
  package var sequences = 64
  package var length = 512

  package init() {}

  package var json: JSONValue {
    [
      "text": .string(text), "sequences": .integer(sequences), "length": .integer(length),
      "damping": .real(damping), "act_order": .bool(ordersColumns), "rounds": .integer(rounds),
    ]
  }
}
