internal import Checkpoints
internal import DecoderModel
package import JSONText
internal import Kernels
package import Quantization

/// Where the integers of a base come from.
package protocol CodeSource {
  /// Rows of a matrix, and what they cost. Matrices are asked for in the order of the model, and
  /// their rows from the first on.
  func codes(_ matrix: QuantizePlan.PlannedMatrix, rows: Range<Int>) throws -> QuantizedRows

  /// Asked once, behind the last matrix: what else is known of the quality of the codes.
  func finish() throws -> [JSONValue.Member]
}

extension CodeSource {
  package func finish() throws -> [JSONValue.Member] { [] }
}

/// Rounds full-precision weights.
struct RoundedCodeSource: CodeSource {
  let reader: RowReader
  let options: QuantizeOptions
  let pool: WorkerPool

  private func quantizer(_ matrix: QuantizePlan.PlannedMatrix) throws -> RowQuantizer {
    try matrix.role == nil ? .vocabulary : RowQuantizer(options.settings(of: matrix.name))
  }

  func codes(_ matrix: QuantizePlan.PlannedMatrix, rows: Range<Int>) throws -> QuantizedRows {
    let weights = try reader.read(matrix.tensor, rows: rows)
    let quantizer = try quantizer(matrix)
    do {
      return try weights.withUnsafeBufferPointer { buffer in
        try quantizer.quantize(
          buffer, rows: rows.count, columns: matrix.layout.columns, firstRow: rows.lowerBound,
          pool: pool)
      }
    } catch let error as QuantizationError {
      throw ModelFileError.faults(path: reader.source.path, ["\(matrix.tensor.name): \(error)"])
    }
  }
}

/// Takes the integers of a quantized file as they are: nothing is rounded.
struct ImportedCodeSource: CodeSource {
  let source: ModelSource

  func codes(_ matrix: QuantizePlan.PlannedMatrix, rows: Range<Int>) throws -> QuantizedRows {
    guard let read = try source.codedRows(matrix.tensor, rows: rows) else {
      preconditionFailure("the plan has no matrix without codes")
    }
    return QuantizedRows(read)
  }
}
