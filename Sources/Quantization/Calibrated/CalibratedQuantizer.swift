package import Kernels

/// Turns rows of a float matrix into codes of least error in the layer's output, for the inputs
/// that calibration has seen.
///
/// Three parts, of which each row is independent of all others, so a matrix can be given in pieces
/// and the result is the same for any number of threads and any cut at multiples of `chunkRows`:
///
/// 1. grids of least squared error, where each column counts as much as its inputs are large;
/// 2. columns are rounded one after another, and the rest of the row makes up for each error
///    (GPTQ, arXiv 2210.17323; `ErrorFeedback`);
/// 3. scales, zero points and single codes move where the error of the output becomes less
///    (`CodeDescent`).
package struct CalibratedQuantizer: Sendable {
  /// Rows that are worked on together: the unit in which a matrix may be cut.
  package static let chunkRows = 32

  package let settings: QuantizationSettings
  /// Sweeps of part 3; 0 leaves what GPTQ gives.
  package var rounds = 4
  /// Columns make up for each other's errors; without, parts 1 alone: rounding on grids that know
  /// the inputs.
  package var feedsErrorsBack = true

  package init(
    _ settings: QuantizationSettings, rounds: Int = 4, feedsErrorsBack: Bool = true
  ) throws(QuantizationError) {
    try settings.validate(allowingPoorQuality: true)
    self.settings = settings
    (self.rounds, self.feedsErrorsBack) = (rounds, feedsErrorsBack)
  }

  /// Quantizes `rows` x I weights, row-major. `firstRow` is their place in the matrix, for
  /// messages.
  ///
  /// - Parameter grids: scales and zero points [rows, G] to begin with; nil: those of least error.
  /// - Returns: `chunkRows` rows each, in order.
  package func quantize(
    _ weights: UnsafeBufferPointer<Float>, rows: Int, firstRow: Int = 0, for moments: InputMoments,
    grids: (scales: [Float], zeros: [Int])? = nil, pool: WorkerPool
  ) throws(QuantizationError) -> [QuantizedRows] {
    let columns = moments.columns
    precondition(weights.count == rows * columns, "rows x columns weights are expected")
    guard rows > 0 else { return [] }
    let layout = settings.layout(rows: rows, columns: columns)
    if let bad = weights.firstIndex(where: { !$0.isFinite }) {
      throw .notFinite(row: firstRow + bad / columns, column: bad % columns)
    }
    let shared = CalibratedChunk.Shared(
      layout: layout, symmetric: settings.symmetric, moments: moments,
      groupSums: moments.groupSums(layout), rounds: rounds, feedsErrorsBack: feedsErrorsBack)
    let chunks = (rows + Self.chunkRows - 1) / Self.chunkRows
    var results = [CalibratedChunk.Result?](repeating: nil, count: chunks)
    results.withUnsafeMutableBufferPointer { results in
      pool.parallelFor(chunks) { index in
        let first = index * Self.chunkRows
        let count = min(Self.chunkRows, rows - first)
        let part = weights[first * columns..<(first + count) * columns]
        let chunk = CalibratedChunk(shared, UnsafeBufferPointer(rebasing: part), rows: count)
        if let grids {
          let own = first * layout.groups..<(first + count) * layout.groups
          chunk.use(scales: Array(grids.scales[own]), zeros: Array(grids.zeros[own]))
        }
        results[index] = chunk.run()
      }
    }
    for (index, result) in results.enumerated() {
      guard let bad = result?.badGroup else { continue }
      throw .scaleOverflow(
        row: firstRow + index * Self.chunkRows + bad.row, group: bad.group)
    }
    return results.compactMap { $0?.rows }
  }
}

extension QuantizedRows {
  /// Consecutive rows in one piece: errors are added in order.
  package init(_ parts: [QuantizedRows]) {
    precondition(!parts.isEmpty, "a matrix has rows")
    let count = parts.reduce(0) { $0 + $1.rows.layout.rows }
    self.init(layout: parts[0].rows.layout.with(rows: count))
    rows.codes = parts.flatMap(\.rows.codes)
    rows.scales = parts.flatMap(\.rows.scales)
    rows.zeros = parts.flatMap(\.rows.zeros)
    for part in parts {
      squaredError += part.squaredError
      squaredNorm += part.squaredNorm
      outputError += part.outputError
      outputNorm += part.outputNorm
    }
  }
}
