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
/// Forward passes use scales rounded to fp16, as an adapter stores them; gradients pass through the
/// rounding unchanged. So evaluation, generation and export compute the function that was trained.
package final class TrainableScales {
  package let granularity: ScaleGranularity
  package let parametrization: ScaleParametrization
  package let task: AdapterScales
  private let weights: DecoderWeights

  package init(
    weights: DecoderWeights, granularity: ScaleGranularity, parametrization: ScaleParametrization
  ) {
    self.granularity = granularity
    self.parametrization = parametrization
    self.weights = weights
    let grouped = weights.layers.contains { layer in
      layer.linears.contains { $0.matrix.groups > 1 }
    }
    task = AdapterScales(form: granularity == .row && grouped ? .gains : .scales, of: weights)
  }

  package var count: Int { task.count }

  /// The entry of one matrix; nil where it has no scales.
  func entry(layer: Int, role: LinearRole) -> AdapterScales.Entry? {
    task.entry(layer: layer, role: role)
  }

  /// Derives the task scales from masters d [count]; says what has become of them.
  @discardableResult
  package func setMasters(_ masters: UnsafeBufferPointer<Float>) -> ScaleFaults {
    precondition(masters.count == count, "one master for each trained number")
    var faults = ScaleFaults()
    for entry in task.entries {
      let scales = baseScales(entry)
      for i in entry.range {
        switch task.form {
        case .gains:
          task.gains.pointer[i] = 1 + masters[i]
          faults.count(task.gains.pointer[i], base: 1)
        case .scales:
          let base = scales[i - entry.range.lowerBound]
          let scale = parametrization == .relative ? base * (1 + masters[i]) : base + masters[i]
          let stored = Float16(scale)
          task.scales.pointer[i] = stored.bitPattern
          faults.count(Float(stored), base: base)
        }
      }
    }
    return faults
  }

  /// The base's scales of one matrix; 1 where it has none.
  private func baseScales(_ entry: AdapterScales.Entry) -> BaseScales {
    BaseScales(bits: weights.layers[entry.layer][entry.role].baseScales)
  }

  private struct BaseScales {
    let bits: UnsafePointer<UInt16>?

    subscript(index: Int) -> Float {
      bits.map { Float(Float16(bitPattern: $0[index])) } ?? 1
    }
  }

  /// Turns row sums `sum_t dy * y` of one matrix into gradients of its masters, in place.
  ///
  /// The sum is s times dL/ds. A scale of 0 has given the output no trace of its gradient: 0.
  func finishRowGradient(_ entry: AdapterScales.Entry, _ sums: UnsafeMutablePointer<Float>) {
    let base = baseScales(entry)
    for row in 0..<entry.rows {
      let index = entry.range.lowerBound + row
      let (scale, factor): (Float, Float) =
        switch task.form {
        case .gains: (task.gains.pointer[index], 1)
        case .scales:
          (
            Float(Float16(bitPattern: task.scales.pointer[index])),
            parametrization == .relative ? base[row] : 1
          )
        }
      sums[row] = scale == 0 ? 0 : sums[row] / scale * factor
    }
  }

  /// Turns dL/ds of one matrix into gradients of its masters, in place.
  func finishGroupGradient(_ entry: AdapterScales.Entry, _ gradient: UnsafeMutablePointer<Float>) {
    guard parametrization == .relative else { return }
    let base = baseScales(entry)
    for i in 0..<entry.range.count { gradient[i] *= base[i] }
  }
}
