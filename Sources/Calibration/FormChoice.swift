package import DecoderModel
package import JSONText

/// The form that each linear layer gets, so that the base takes at most a given size.
package struct FormChoice: Sendable, Equatable {
  /// What was asked for.
  package let size: Int
  /// Bits and groups by name without suffix, of every linear layer.
  package let grids: [String: BaseManifest.Grid]
  /// Most bytes that base.safetensors can take.
  package let byteCount: Int
  /// KL divergence from the original in nats a token, as the measurements foretell it.
  package let divergence: Double

  /// The best choice for `costs` by unit and form, as `FormSensitivity.measure` gives them.
  ///
  /// - Throws: `sizeTooSmall`.
  package init(
    _ candidates: FormCandidates, costs: [[Double]], size: Int
  ) throws(CalibrationError) {
    try candidates.check(size: size)
    let options = zip(candidates.units, costs).map { unit, costs in
      zip(unit.byteCounts, costs).map { SizeAllocation.Option(byteCount: $0, error: $1) }
    }
    let chosen =
      SizeAllocation.choose(options, within: size - candidates.fixedByteCount) ?? []
    var (grids, bytes, sum) = ([String: BaseManifest.Grid](), candidates.fixedByteCount, 0.0)
    for (index, (unit, option)) in zip(candidates.units, chosen).enumerated() {
      for role in unit.roles { grids[role.name(layer: unit.layer)] = unit.grids[option] }
      bytes += unit.byteCounts[option]
      sum += options[index][option].error
    }
    (self.size, self.grids, byteCount, divergence) = (size, grids, bytes, sum)
  }

  package var json: JSONValue {
    ["size": .integer(size), "expected_divergence": .real(divergence)]
  }
}
