internal import Kernels

/// How finely scales are trained.
package enum ScaleGranularity: String, CaseIterable, Sendable {
  /// One number a row: the scale itself over a per-row base, a gain over a grouped base.
  case row
  /// Every scale of a grouped base.
  case group
}

/// What the optimizer's numbers mean, for a base scale s0 (1 for gains); they start at 0.
package enum ScaleParametrization: String, CaseIterable, Sendable {
  /// s = s0 (1 + d): one learning rate fits all layers, bits and models.
  case relative
  /// s = s0 + d: the paper's form.
  case absolute
}

/// The trained numbers of a model: fp32 masters in one flat vector and the task scales they give.
///
/// Forward passes use scales rounded to the type in which the base has them, as an adapter stores
/// them; gradients pass through the rounding unchanged. So evaluation, generation and export
/// compute the function that was trained.
package final class TrainableScales {
  package let training: ScaleTraining
  package let task: AdapterScales
  /// The lowest layer with trained numbers; below it nothing needs a gradient.
  let firstLayer: Int
  /// Kinds of layers that are trained, by layer.
  private let kinds: [Set<LinearKind>]
  /// Layers whose gradients are made of inputs, not of outputs alone.
  private let layersThatNeedInputs: Set<Int>

  package init(weights: DecoderWeights, training: ScaleTraining) {
    self.training = training
    let grouped = weights.layers.contains { layer in
      layer.linears.contains { $0.matrix.scalesPerRow > 1 || $0.matrix.groupsPerScale > 1 }
    }
    let task = AdapterScales(
      form: training.granularity == .row && grouped ? .gains : .scales, of: weights,
      modules: training.modules)
    self.task = task
    var kinds = [Set<LinearKind>](repeating: [], count: weights.layers.count)
    for entry in task.entries { kinds[entry.layer].insert(entry.role.kind) }
    self.kinds = kinds
    firstLayer = kinds.firstIndex { !$0.isEmpty } ?? kinds.count
    layersThatNeedInputs = Set(task.entries.filter { $0.groups > 1 }.map(\.layer))
  }

  /// All layers.
  package convenience init(
    weights: DecoderWeights, granularity: ScaleGranularity, parametrization: ScaleParametrization
  ) {
    self.init(weights: weights, training: ScaleTraining(granularity, parametrization))
  }

  package var granularity: ScaleGranularity { training.granularity }
  package var parametrization: ScaleParametrization { training.parametrization }
  package var count: Int { task.count }

  /// The entry of one matrix; nil where it is not trained.
  func entry(layer: Int, role: LinearRole) -> AdapterScales.Entry? {
    task.entry(layer: layer, role: role)
  }

  /// Whether a block has a trained layer of one of these kinds.
  func trains(_ some: [LinearKind], layer: Int) -> Bool {
    some.contains { kinds[layer].contains($0) }
  }

  /// Whether gradients of a block are made of the inputs of its layers, not of their outputs alone.
  func needsInputs(layer: Int) -> Bool { layersThatNeedInputs.contains(layer) }

  /// Derives the task scales from masters d [count]; says what has become of them.
  @discardableResult
  package func setMasters(_ masters: UnsafeBufferPointer<Float>) -> ScaleFaults {
    precondition(masters.count == count, "one master for each trained number")
    var faults = ScaleFaults()
    for entry in task.entries {
      guard task.form == .scales, let base = task.base(of: entry) else {
        for i in entry.range {
          task.gains.pointer[i] = 1 + masters[i]
          faults.count(task.gains.pointer[i], base: 1)
        }
        continue
      }
      let scales = task.pointers(entry).scales
      for i in 0..<entry.range.count {
        let (first, master) = (base.scale(i), masters[entry.range.lowerBound + i])
        let scale = parametrization == .relative ? first * (1 + master) : first + master
        entry.type.store(scale, scales, i)
        faults.count(entry.type.load(scales, i), base: first)
      }
      if !task.setMinima(entry) { faults.notFinite += 1 }
    }
    return faults
  }

  /// Turns row sums `sum_t dy * y` of one matrix into gradients of its masters, in place.
  ///
  /// The sum is s times dL/ds. A scale of 0 has given the output no trace of its gradient: 0.
  func finishRowGradient(_ entry: AdapterScales.Entry, _ sums: UnsafeMutablePointer<Float>) {
    let (base, scales) = (task.base(of: entry), task.pointers(entry).scales)
    for row in 0..<entry.rows {
      let (scale, factor): (Float, Float) =
        switch task.form {
        case .gains: (task.gains.pointer[entry.range.lowerBound + row], 1)
        case .scales:
          (
            entry.type.load(scales, row),
            parametrization == .relative ? base?.scale(row) ?? 1 : 1
          )
        }
      sums[row] = scale == 0 ? 0 : sums[row] / scale * factor
    }
  }

  /// Turns sums [O, G] of one matrix, of its unscaled weights times dL/dW, into gradients
  /// [O, scalesPerRow] of its masters, in place.
  ///
  /// The groups of a super-block share its scale, and what each of them adds is its own scale times
  /// its sum, by the shared one.
  func finishGroupGradient(
    _ entry: AdapterScales.Entry, _ matrix: WeightMatrix, _ gradient: UnsafeMutablePointer<Float>
  ) {
    let (base, scales) = (task.base(of: entry), task.pointers(entry).scales)
    if matrix.groupsPerScale > 1 {
      for row in 0..<entry.rows {
        for number in 0..<entry.groups {
          let first = number * matrix.groupsPerScale
          var sum: Float = 0
          for group in first..<min(matrix.groups, first + matrix.groupsPerScale) {
            sum +=
              matrix.effectiveScale(row: row, group: group)
              * gradient[row * matrix.groups + group]
          }
          // Not before its place has been read: rows of sums are at least as long.
          let index = row * entry.groups + number
          let scale = entry.type.load(scales, index)
          gradient[index] = scale == 0 ? 0 : sum / scale
        }
      }
    }
    // Of a group with minima and a scale of 0 the sum is that of its minimum, which stays.
    for i in 0..<entry.range.count where entry.hasMinima && entry.type.load(scales, i) == 0 {
      gradient[i] = 0
    }
    guard parametrization == .relative, let base else { return }
    for i in 0..<entry.range.count { gradient[i] *= base.scale(i) }
  }
}
