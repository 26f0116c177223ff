package import Quantization

/// What of a base is trained, and by which numbers.
package struct ScaleTraining: Sendable, Equatable {
  package var granularity: ScaleGranularity
  package var parametrization: ScaleParametrization
  /// Layers that are trained; the others keep the base's scales and have no part in the adapter.
  package var modules: TargetModules

  package init(
    _ granularity: ScaleGranularity = .row, _ parametrization: ScaleParametrization = .relative,
    modules: TargetModules = .all
  ) {
    (self.granularity, self.parametrization) = (granularity, parametrization)
    self.modules = modules
  }

  /// The same of every layer.
  package var ofAllModules: ScaleTraining {
    var copy = self
    copy.modules = .all
    return copy
  }
}

/// How many numbers a training has.
package struct TrainedNumbers: Sendable, Equatable {
  /// What the optimizer has, and what ranks exchange in each step.
  package var masters = 0
  /// What an adapter holds of them.
  package var stored = 0

  package init(masters: Int = 0, stored: Int = 0) {
    (self.masters, self.stored) = (masters, stored)
  }
}

/// A quantized layer of a model, as far as training depends on it.
package struct LinearLayout: Sendable, Equatable {
  package let layer: Int
  package let role: LinearRole
  package let layout: PackedLayout

  package init(layer: Int, role: LinearRole, layout: PackedLayout) {
    (self.layer, self.role, self.layout) = (layer, role, layout)
  }
}

extension ScaleTraining {
  /// Counts the numbers that are trained over layers of a base: all of them, trained or not.
  package func numbers(over layers: [LinearLayout]) -> TrainedNumbers {
    var sum = TrainedNumbers()
    for linear in layers where modules.contains(linear.role, layer: linear.layer) {
      let (rows, perRow) = (linear.layout.rows, linear.layout.scalesPerRow)
      let own = rows * (granularity == .row ? 1 : perRow)
      sum.masters += own
      sum.stored += own
    }
    return sum
  }

  /// Why this cannot be trained: (key of a run file, sentence).
  package func faults(
    _ config: DecoderConfig, over layers: [LinearLayout]
  ) -> [(key: String, text: String)] {
    modules.faults(in: config).map { ("target_modules", $0) }
  }
}

extension DecoderConfig {
  /// Every linear layer as a base of `groupSize` has it, -1 for whole rows; of 4 bits, on which no
  /// count depends.
  package func linearLayouts(groupSize: Int) -> [LinearLayout] {
    let layouts = block.linears.map { role in
      let (rows, columns) = shape(of: role.kind)
      return PackedLayout(rows: rows, columns: columns, bits: 4, groupSize: groupSize)
    }
    return (0..<layerCount).flatMap { layer in
      zip(block.linears, layouts).map { LinearLayout(layer: layer, role: $0, layout: $1) }
    }
  }
}
