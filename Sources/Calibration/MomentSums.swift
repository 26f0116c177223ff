internal import Collectives
package import Kernels

/// Exact sums of x x^T over the calibration tokens of all ranks.
///
/// The products of one sequence are fp32 in a fixed order; what is summed over sequences and ranks
/// are integers, so that the sum does not depend on who has computed what. Only tiles on and above
/// the diagonal are kept.
package final class MomentSums {
  let columns: Int
  private let side = Compute.tileSide
  private let tiles: [(row: Int, column: Int)]
  /// One tile after another, each `side` x `side`.
  private let sums: NumberBuffer<Int64>
  /// A sum of 1 is kept as 2^bits.
  private let bits: Int
  private let scratch: [FloatBuffer]
  /// Set by any thread where a number does not fit.
  private let overflow: NumberBuffer<UInt8>

  /// - Parameter bits: what `MomentSums.bits` gives.
  package init(columns: Int, bits: Int, threads: Int) {
    (self.columns, self.bits) = (columns, bits)
    let across = (columns + side - 1) / side
    tiles = (0..<across).flatMap { row in (row..<across).map { (row, $0) } }
    sums = NumberBuffer(zeros: tiles.count * side * side)
    let side = side
    scratch = (0..<threads).map { _ in FloatBuffer(count: side * side) }
    overflow = NumberBuffer(zeros: tiles.count)
  }

  /// Fraction bits for sums of about `largest` in one sequence over `sequences` of them: the sum
  /// may become 2^14 times as large as that says, and keeps 2^-48 of it.
  package static func bits(largest: Double, sequences: Int) -> Int {
    guard largest > 0, largest.isFinite else { return 40 }
    let total = largest * Double(max(sequences, 1))
    return 48 - (total.exponent + 1).clamped(to: -900...900)
  }

  /// Adds what one sequence's `rows` of x [rows, I] give; `count` sequences in all.
  package func add(_ x: UnsafePointer<Float>, rows: Int, of count: Int, on pool: WorkerPool) {
    guard rows > 0 else { return }
    let factor = Double(sign: .plus, exponent: bits, significand: 1)
    let limit = 0x1p62 / Double(count)
    pool.parallelFor(tiles.count) { [self] index, worker in
      let tile = tiles[index]
      let (row, column) = (tile.row * side, tile.column * side)
      let (height, width) = (min(side, columns - row), min(side, columns - column))
      let products = scratch[worker].pointer
      BLAS.multiplyTransposed(
        x + row, x + column, rows: height, columns: width, tokens: rows,
        strides: (columns, columns, side), accumulating: false, into: products)
      let out = sums.pointer + index * side * side
      for i in 0..<height {
        for j in 0..<width {
          let value = Double(products[i * side + j]) * factor
          // Also true of what is no number.
          guard abs(value) < limit else {
            overflow.pointer[index] = 1
            continue
          }
          out[i * side + j] += Int64(value.rounded(.toNearestOrEven))
        }
      }
    }
  }

  /// Whether a number of this rank did not fit.
  package var hasOverflown: Bool { overflow.elements.contains(1) }

  /// Replaces this rank's sums by those of all ranks.
  func allReduce(_ communicator: Communicator) throws {
    try communicator.allReduceSum(sums.elements)
  }

  /// The sums [I, I], both triangles.
  package func matrix() -> NumberBuffer<Double> {
    let result = NumberBuffer<Double>(count: columns * columns)
    let unit = Double(sign: .plus, exponent: -bits, significand: 1)
    for (index, tile) in tiles.enumerated() {
      let (row, column) = (tile.row * side, tile.column * side)
      let values = sums.pointer + index * side * side
      for i in 0..<min(side, columns - row) {
        for j in 0..<min(side, columns - column) where column + j >= row + i {
          let value = Double(values[i * side + j]) * unit
          result.pointer[(row + i) * columns + column + j] = value
          result.pointer[(column + j) * columns + row + i] = value
        }
      }
    }
    return result
  }
}

extension Int {
  fileprivate func clamped(to range: ClosedRange<Int>) -> Int {
    Swift.min(Swift.max(self, range.lowerBound), range.upperBound)
  }
}
