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
  /// Zero points are trained too, one for each group of columns.
  package var zeroPoints: Bool
  /// Of numbers that do not begin at 0.
  package var seed: UInt64

  package init(
    _ granularity: ScaleGranularity = .row, _ parametrization: ScaleParametrization = .relative,
    modules: TargetModules = .all, rank: Int = 0, zeroPoints: Bool = false, seed: UInt64 = 0
  ) {
    (self.granularity, self.parametrization) = (granularity, parametrization)
    (self.modules, self.rank, self.zeroPoints) = (modules, rank, zeroPoints)
    self.seed = seed
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
      let zeros = zeroPoints ? rows * linear.layout.groups : 0
      sum.masters += zeros
      sum.stored += zeros
    }
    return sum
  }

  /// Why this cannot be trained over layers of a base, all of them: (key of a run file, sentence).
  package func faults(
    _ config: DecoderConfig, over layers: [LinearLayout]
  ) -> [(key: String, text: String)] {
    let unknown = modules.faults(in: config).map { ("target_modules", $0) }
    guard unknown.isEmpty else { return unknown }
    let trained = layers.filter { modules.contains($0.role, layer: $0.layer) }
    return columnFaults(trained)
      + zeroFaults(trained, over: layers).map { ("train_zero_points", $0) }
  }

  private func columnFaults(_ trained: [LinearLayout]) -> [(key: String, text: String)] {
    guard granularity == .rowAndColumn else { return [] }
    var faults: [(key: String, text: String)] = []
    if trained.allSatisfy({ $0.layout.scalesPerRow == 1 }) {
      let text =
        "row+column needs groups of columns, and here a row has one scale: a number for each "
        + "column would belong to no scale. Set it to row, or quantize with --group-size 64"
      faults.append(("scale_granularity", text))
    }
    if parametrization != .relative {
      faults.append(("scale_param", "row+column changes scales by parts; set it to relative"))
    }
    return faults
  }

  private func zeroFaults(_ trained: [LinearLayout], over layers: [LinearLayout]) -> [String] {
    guard zeroPoints else { return [] }
    if let other = trained.first(where: { !$0.layout.hasZeroPoints }) {
      let name = other.role.name(layer: other.layer)
      let instead = other.layout.offset == .minima ? "minima" : "one fixed zero point"
      return [
        "\(name) has \(instead) in place of zero points. Set it to false, or use a base that "
          + "peqa quantize has rounded"
      ]
    }
    let grouped = layers.contains { $0.layout.scalesPerRow > 1 || $0.layout.groupsPerScale > 1 }
    guard granularity != .group, grouped else { return [] }
    return [
      "there is one for each group of columns, and scale_granularity is \(granularity.rawValue). Set "
        + "that to group, or this to false"
    ]
  }
}

extension PackedLayout {
  /// Zero points of its own for each scale, whole or real.
  fileprivate var hasZeroPoints: Bool {
    (offset == .zeros || offset == .realZeros) && groupsPerScale == 1
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
