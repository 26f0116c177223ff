package import Kernels

/// Turns rows of a float matrix into packed codes, scales and zero points.
///
/// Rows are independent, so a matrix can be given in pieces, and the result is the same for any
/// number of threads and any cut. Measured on SmolLM2-135M: about 0.12 microseconds of one core a
/// weight at 4 bits per row, 0.5 with groups of 64.
package struct RowQuantizer: Sendable {
  package let settings: QuantizationSettings
  private let choice: any GridChoice

  /// Grids of least squared error.
  package init(_ settings: QuantizationSettings) throws(QuantizationError) {
    try settings.validate(allowingPoorQuality: true)
    self.settings = settings
    choice = GroupSearch(bits: settings.bits, symmetric: settings.symmetric)
  }

  /// For embeddings and output matrices: 8 bits, whose weights are numbers of fp16 (`HalfGrid`).
  package static let vocabulary = RowQuantizer(HalfGrid.settings, HalfGrid())

  private init(_ settings: QuantizationSettings, _ choice: any GridChoice) {
    (self.settings, self.choice) = (settings, choice)
  }

  /// Quantizes `rows` x `columns` weights, row-major. `firstRow` is their place in the matrix, for
  /// error messages. Throws on weights that are not finite or too large for an fp16 scale.
  package func quantize(
    _ weights: UnsafeBufferPointer<Float>, rows: Int, columns: Int, firstRow: Int = 0,
    pool: WorkerPool
  ) throws(QuantizationError) -> QuantizedRows {
    precondition(weights.count == rows * columns, "rows x columns weights are expected")
    let layout = settings.layout(rows: rows, columns: columns)
    var result = QuantizedRows(layout: layout)
    var outcomes = [RowOutcome](repeating: RowOutcome(), count: rows)
    result.rows.codes.withUnsafeMutableBytes { codes in
      result.rows.scales.withUnsafeMutableBytes { scales in
        result.rows.zeros.withUnsafeMutableBufferPointer { zeros in
          outcomes.withUnsafeMutableBufferPointer { outcomes in
            let job = RowJob(
              layout: layout, choice: choice, weights: weights, codes: codes,
              scales: scales.bindMemory(to: Float16.self), zeros: zeros)
            pool.parallelFor(rows) { row in outcomes[row] = job.run(row: row) }
          }
        }
      }
    }
    for (row, outcome) in outcomes.enumerated() {
      if let column = outcome.badColumn { throw .notFinite(row: firstRow + row, column: column) }
      if let group = outcome.badGroup { throw .scaleOverflow(row: firstRow + row, group: group) }
      result.squaredError += outcome.squaredError
      result.squaredNorm += outcome.squaredNorm
    }
    return result
  }
}

/// What became of one row.
private struct RowOutcome {
  var squaredError = 0.0
  var squaredNorm = 0.0
  /// First weight that is not finite.
  var badColumn: Int?
  /// First group whose scale does not fit.
  var badGroup: Int?
}

/// The work on one row; rows write to disjoint parts of the buffers.
private struct RowJob {
  let layout: PackedLayout
  let choice: any GridChoice
  let weights: UnsafeBufferPointer<Float>
  let codes: UnsafeMutableRawBufferPointer
  let scales: UnsafeMutableBufferPointer<Float16>
  let zeros: UnsafeMutableBufferPointer<UInt8>

  func run(row: Int) -> RowOutcome {
    var outcome = RowOutcome()
    let start = row * layout.columns
    let values = UnsafeBufferPointer(rebasing: weights[start..<(start + layout.columns)])
    if let bad = values.firstIndex(where: { !$0.isFinite }) {
      outcome.badColumn = bad
      return outcome
    }
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: layout.columns) { unpacked in
      for group in 0..<layout.groups {
        let first = group * layout.groupSize
        let range = first..<min(first + layout.groupSize, layout.columns)
        let result = quantizeGroup(
          UnsafeBufferPointer(rebasing: values[range]),
          into: UnsafeMutableBufferPointer(rebasing: unpacked[range]), &outcome)
        guard let result else {
          outcome.badGroup = group
          return
        }
        scales[row * layout.groups + group] = result.scale
        zeros[row * layout.groups + group] = UInt8(result.zero)
      }
      let bytes = (row * layout.rowStride)..<((row + 1) * layout.rowStride)
      PackedCodes.pack(
        UnsafeBufferPointer(unpacked), bits: layout.bits,
        into: UnsafeMutableRawBufferPointer(rebasing: codes[bytes]))
    }
    return outcome
  }

  private func quantizeGroup(
    _ values: UnsafeBufferPointer<Float>, into codes: UnsafeMutableBufferPointer<UInt8>,
    _ outcome: inout RowOutcome
  ) -> GroupScale? {
    GroupGrid.withVectors(values) { weights in
      guard let result = choice.best(weights) else { return nil }
      GroupGrid(weights: weights, maximumCode: layout.maximumCode)
        .assign(scale: Float(result.scale), zero: result.zero, to: codes)
      for (value, code) in zip(values, codes) {
        let difference = Double(value) - Double(result.scale) * Double(Int(code) - result.zero)
        outcome.squaredError += difference * difference
        outcome.squaredNorm += Double(value) * Double(value)
      }
      return result
    }
  }
}
