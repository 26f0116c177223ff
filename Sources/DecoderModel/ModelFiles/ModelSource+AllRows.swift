package import Kernels
internal import Synchronization

extension ModelSource {
  /// Rows of a tensor as Floats, read on all threads; throws the first fault by row, whichever
  /// thread met it. `values` has `rows.count * columns` places.
  package func readRows(
    _ tensor: ModelTensor, rows: Range<Int>, into values: UnsafeMutableBufferPointer<Float>,
    on pool: WorkerPool
  ) throws {
    let fault = Mutex<(row: Int, error: any Error)?>(nil)
    pool.parallelRanges(rows.count) { part, _ in
      let place = (part.lowerBound * tensor.columns)..<(part.upperBound * tensor.columns)
      let stored = (rows.lowerBound + part.lowerBound)..<(rows.lowerBound + part.upperBound)
      do {
        try readRows(
          tensor, rows: stored, into: UnsafeMutableBufferPointer(rebasing: values[place]))
      } catch {
        fault.withLock { first in
          if first.map({ part.lowerBound < $0.row }) ?? true { first = (part.lowerBound, error) }
        }
      }
    }
    if let fault = fault.withLock({ $0 }) { throw fault.error }
  }

  /// A whole tensor, by canonical name.
  package func readAllRows(
    _ name: String, into values: UnsafeMutableBufferPointer<Float>, on pool: WorkerPool
  ) throws {
    let tensor = try tensor(name)
    try readRows(tensor, rows: 0..<tensor.rows, into: values, on: pool)
  }
}
