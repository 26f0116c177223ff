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
  /// Trains each block's codes against its outputs (`BlockTraining`): so often through the
  /// sequences, so many at a time.
  package var trainsBlocks = false
  package var epochs = 2
  package var batch = 4
  /// Learning rates of AdamW: of weights in steps of their grids, of relative changes of scales,
  /// and of zero points, which stay with 0.
  package var roundingRate = 0.005
  package var scaleRate = 0.0005
  package var zeroRate = 0.0
  /// What was looked at.
  package var text = ""
  package var sequences = 64
  package var length = 512

  package init() {}

  package var json: JSONValue {
    let training: [JSONValue.Member] =
      trainsBlocks
      ? [
        .init(key: "epochs", value: .integer(epochs)), .init(key: "batch", value: .integer(batch)),
        .init(key: "rounding_rate", value: .real(roundingRate)),
        .init(key: "scale_rate", value: .real(scaleRate)),
      ] + (zeroRate > 0 ? [.init(key: "zero_rate", value: .real(zeroRate))] : []) : []
    let common: JSONValue = [
      "text": .string(text), "sequences": .integer(sequences), "length": .integer(length),
      "damping": .real(damping), "act_order": .bool(ordersColumns), "rounds": .integer(rounds),
    ]
    return .object((common.members ?? []) + training)
  }
}
