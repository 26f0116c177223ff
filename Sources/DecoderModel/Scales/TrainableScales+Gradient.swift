internal import Kernels

// From what products give to gradients of masters.
extension TrainableScales {
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
            isRelative ? base?.scale(row) ?? 1 : 1
          )
        }
      sums[row] = scale == 0 ? 0 : sums[row] / scale * factor
    }
  }

  /// Turns sums [O, G] of one matrix, of its unscaled weights times dL/dW, into gradients of its
  /// masters, and says where these are: in place of the sums, or behind them.
  ///
  /// - Parameter sums: room for `Part.gradientRoom` numbers.
  func finishGroupGradient(
    _ part: Part, _ matrix: WeightMatrix, _ sums: UnsafeMutablePointer<Float>
  ) -> UnsafeMutablePointer<Float> {
    finishScaleGradient(part.entry, matrix, sums)
    guard let factors = part.factors else { return sums }
    let gradient = sums + part.entry.rows * part.entry.sumsPerRow
    factors.gradients(of: sums, masters(of: part), into: gradient)
    return gradient
  }

  /// Turns what `Compute.groupSums` gives [O, G] into gradients of zero points, in place:
  ///
  ///     dz[o,G] = -s[o,G] sum_t dy[t,o] sum_{i in G} x[t,i]
  func finishZeroGradient(
    _ part: Part, _ matrix: WeightMatrix, _ sums: UnsafeMutablePointer<Float>
  ) {
    for row in 0..<matrix.rows {
      for group in 0..<matrix.groups {
        let scale = matrix.effectiveScale(row: row, group: group)
        // A sum of nothing is 0, not -0: the bits do not depend on what is stacked.
        sums[row * matrix.groups + group] = 0 - sums[row * matrix.groups + group] * scale
      }
    }
  }

  /// From the same sums to gradients [O, scalesPerRow], in place: of changes of scales by a part of
  /// the base's, or of scales.
  ///
  /// The groups of a super-block share its scale, and what each of them adds is its own scale times
  /// its sum, by the shared one.
  private func finishScaleGradient(
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
    guard isRelative, let base else { return }
    for i in 0..<entry.range.count { gradient[i] *= base.scale(i) }
  }
}

extension TrainableScales.Part {
  /// Numbers that the making of gradients of one sequence takes.
  var gradientRoom: Int {
    max(entry.rows * entry.sumsPerRow + (factors?.count ?? 0), zeros.count)
  }
}
