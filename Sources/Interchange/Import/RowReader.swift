internal import Checkpoints
internal import DecoderModel
internal import Kernels
internal import Quantization

/// Reads rows of a model on all threads, in chunks of bounded size.
struct RowReader {
  /// Weights of a chunk: 4 MB as Floats, a fraction of a second's work.
  static let pieceSize = 1 << 20

  let source: ModelSource
  let pool: WorkerPool
  let isCancelled: () -> Bool

  /// Consecutive ranges of rows, each of about `pieceSize` weights, that cover the tensor.
  static func chunks(of tensor: ModelTensor) -> [Range<Int>] {
    let rows = max(1, pieceSize / max(1, tensor.columns))
    return stride(from: 0, to: tensor.rows, by: rows).map { $0..<min($0 + rows, tensor.rows) }
  }

  /// Rows as Floats; throws the first fault by row, whichever thread met it.
  func read(_ tensor: ModelTensor, rows: Range<Int>) throws -> [Float] {
    var values = [Float](repeating: 0, count: rows.count * tensor.columns)
    try values.withUnsafeMutableBufferPointer {
      try source.readRows(tensor, rows: rows, into: $0, on: pool)
    }
    return values
  }

  func largestMagnitude(_ tensor: ModelTensor) throws -> Float {
    var largest: Float = 0
    for rows in Self.chunks(of: tensor) {
      if isCancelled() { throw QuantizationError.cancelled }
      for value in try read(tensor, rows: rows) { largest = max(largest, abs(value)) }
    }
    return largest
  }

  /// Writes a tensor that stays as it is, in the type of the plan.
  func copy(_ dense: QuantizePlan.PlannedDense, to writer: inout MatrixParts) throws {
    let stored = dense.type == dense.tensor.type ? source.bytes(of: dense.tensor) : nil
    for rows in Self.chunks(of: dense.tensor) {
      if isCancelled() { throw QuantizationError.cancelled }
      // Read even where the bytes are those of the file: all numbers must be finite.
      let values = try read(dense.tensor, rows: rows)
      if let stored {
        let width = stored.count / dense.tensor.rows
        try writer.append(
          Array(stored[rows.lowerBound * width..<rows.upperBound * width]), to: dense.tensor.name)
        continue
      }
      switch dense.type {
      case .f16: try writer.append(values.map { Float16($0) }, to: dense.tensor.name)
      case .bf16: try writer.append(values.map { BFloat16($0) }, to: dense.tensor.name)
      default: try writer.append(values, to: dense.tensor.name)
      }
    }
    source.advise(.dontNeed, dense.tensor)
  }
}
