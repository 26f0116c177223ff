internal import Kernels

/// Rounds the columns of a chunk one after another; those that come later make up for the error of
/// each, as far as the inputs go together.
///
/// With U^T U = H^-1, the error e of column j costs least where every later column i takes
/// -e U[j, i] / U[j, j]. Columns are worked on in blocks: within a block at once, behind it by one
/// product. Source: GPTQ, arXiv 2210.17323, algorithm 1.
struct ErrorFeedback {
  private static let blockColumns = 128

  private let chunk: CalibratedChunk
  /// [rows, I] in the order of rounding: weights with what they have taken on so far.
  private let work: FloatBuffer
  private let factor: UnsafePointer<Float>
  private let order: [Int]?
  private let columns: Int

  /// `work` holds the weights as they lie.
  init(_ chunk: CalibratedChunk, _ work: FloatBuffer) {
    (self.chunk, self.work) = (chunk, work)
    let moments = chunk.shared.moments
    (factor, order, columns) = (UnsafePointer(moments.factor.pointer), moments.order, chunk.columns)
  }

  func run() {
    // A row that is one group, or whose groups do not come one after another, gets its grids before
    // anything moves; else each group gets its own when its turn comes.
    let hasGridsFirst = order != nil || chunk.groups == 1
    if hasGridsFirst { chunk.findGrids(work.pointer) }
    bringIntoOrder()
    let errors = FloatBuffer(count: chunk.rows * Self.blockColumns)
    for start in stride(from: 0, to: columns, by: Self.blockColumns) {
      let block = start..<min(columns, start + Self.blockColumns)
      for row in 0..<chunk.rows {
        round(row, block, errors.pointer + row * Self.blockColumns, findsGrids: !hasGridsFirst)
      }
      let rest = columns - block.upperBound
      BLAS.multiply(
        errors.pointer, factor + start * columns + block.upperBound, rows: chunk.rows,
        columns: rest, depth: block.count, strides: (Self.blockColumns, columns, columns),
        factor: -1, accumulating: true, into: work.pointer + block.upperBound)
    }
  }

  private func bringIntoOrder() {
    guard let order else { return }
    for row in 0..<chunk.rows {
      for (place, column) in order.enumerated() {
        work.pointer[row * columns + place] = chunk.target[row * columns + column]
      }
    }
  }

  private func round(
    _ row: Int, _ block: Range<Int>, _ errors: UnsafeMutablePointer<Float>, findsGrids: Bool
  ) {
    let w = work.pointer + row * columns
    let size = chunk.layout.groupSize
    for j in block {
      // A group that goes beyond the block gets what earlier columns of the block have left to it.
      if findsGrids, j % size == 0 { chunk.findGrid(row, j / size, w) }
      let rounded = chunk.round(row, order?[j] ?? j, w[j])
      let line = factor + j * columns
      let error = (w[j] - rounded) / line[j]
      errors[j - block.lowerBound] = error
      let next = j + 1
      BLAS.add(line + next, times: -error, count: block.upperBound - next, to: w + next)
    }
  }
}
