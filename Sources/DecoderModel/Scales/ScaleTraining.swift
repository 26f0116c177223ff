package import Quantization

/// How finely scales are trained.
package enum ScaleGranularity: String, CaseIterable, Sendable {
  /// One number a row: the scale itself over a per-row base, a gain over a grouped base.
  case row
  /// Every scale of a grouped base.
  case group
  /// One number a row and one a group of columns of a grouped base, `scale_rank` more of both: see
  /// `ScaleFactors`.
  case rowAndColumn = "row+column"
}

/// What the optimizer's numbers mean, for a base scale s0 (1 for gains); they start at 0.
package enum ScaleParametrization: String, CaseIterable, Sendable {
  /// s = s0 (1 + d): one learning rate fits all layers, bits and models.
  case relative
  /// s = s0 + d: the paper's form.
  case absolute
}

/// What of a base is trained, and by which numbers.
package struct ScaleTraining: Sendable, Equatable {
  package var granularity: ScaleGranularity
  package var parametrization: ScaleParametrization
  /// Layers that are trained; the others keep the base's scales and have no part in the adapter.
  package var modules: TargetModules
  /// K of `ScaleFactors`.
  package var rank: Int
  /// Of numbers that do not begin at 0.
  package var seed: UInt64

  package init(
    _ granularity: ScaleGranularity = .row, _ parametrization: ScaleParametrization = .relative,
    modules: TargetModules = .all, rank: Int = 0, seed: UInt64 = 0
  ) {
    (self.granularity, self.parametrization) = (granularity, parametrization)
    (self.modules, self.rank, self.seed) = (modules, rank, seed)
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
      let stored = rows * (granularity == .row ? 1 : perRow)
      sum.masters +=
        granularity == .rowAndColumn && perRow > 1
        ? ScaleFactors(rows: rows, columns: perRow, rank: rank).count : stored
      sum.stored += stored
    }
    return sum
  }

  /// Why this cannot be trained: (key of a run file, sentence).
  package func faults(
    _ config: DecoderConfig, over layers: [LinearLayout]
  ) -> [(key: String, text: String)] {
    let faults = modules.faults(in: config).map { ("target_modules", $0) }
    let trained = layers.filter { modules.contains($0.role, layer: $0.layer) }
    guard faults.isEmpty, granularity == .rowAndColumn,
      trained.allSatisfy({ $0.layout.scalesPerRow == 1 })
    else { return faults }
    let text =
      "row+column needs groups of columns, and here a row has one scale: a number for each column "
      + "would belong to no scale. Set it to row, or quantize with --group-size 64"
    return [("scale_granularity", text)]
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
