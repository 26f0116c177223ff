package import Checkpoints
internal import Quantization
internal import QuantizedFormats

extension ModelSource {
  /// Rows of a tensor as Floats, in canonical order; `output` has `rows.count * columns` places.
  ///
  /// Safe to call from several threads. Throws where a weight is NaN or infinite.
  package func readRows(
    _ tensor: ModelTensor, rows: Range<Int>, into output: UnsafeMutableBufferPointer<Float>
  ) throws {
    precondition(output.count == rows.count * tensor.columns, "output has the wrong size")
    if tensor.shape.count == 1 {
      try readVector(tensor, into: output)
    } else if !tensor.type.isReal, let coded = try codedRows(tensor, rows: rows) {
      coded.dequantize(into: output)
      if let order = tensor.coded?.order { ColumnOrder.restore(output, order: order) }
    } else if tensor.order.isContiguous {
      let first = tensor.order.first
      try files.readFloats(
        of: tensor.stored, rows: first + rows.lowerBound..<first + rows.upperBound, into: output)
    } else {
      for (index, row) in rows.enumerated() {
        let stored = tensor.order.storedRow(row)
        let place = (index * tensor.columns)..<((index + 1) * tensor.columns)
        try files.readFloats(
          of: tensor.stored, rows: stored..<(stored + 1),
          into: UnsafeMutableBufferPointer(rebasing: output[place]))
      }
    }
    if let bad = UnsafeBufferPointer(output).firstNonFinite {
      throw ModelFileError.notFinite(
        path: path, tensor: tensor.name, row: rows.lowerBound + bad / tensor.columns,
        column: bad % tensor.columns)
    }
  }

  /// A norm or a bias: one row in the file, of which this tensor may be some numbers.
  private func readVector(
    _ tensor: ModelTensor, into output: UnsafeMutableBufferPointer<Float>
  ) throws {
    var values = [Float](repeating: 0, count: tensor.stored.columns)
    try values.withUnsafeMutableBufferPointer {
      try files.readFloats(of: tensor.stored, rows: 0..<1, into: $0)
    }
    for index in output.indices {
      output[index] = values[tensor.order.storedRow(index)] + tensor.offset
    }
  }

  /// As above, by canonical name.
  package func readRows(
    _ name: String, rows: Range<Int>, into output: UnsafeMutableBufferPointer<Float>
  ) throws {
    try readRows(tensor(name), rows: rows, into: output)
  }

  /// All elements of a tensor, for small ones.
  package func floats(_ name: String) throws -> [Float] {
    let tensor = try tensor(name)
    var values = [Float](repeating: 0, count: tensor.rows * tensor.columns)
    try values.withUnsafeMutableBufferPointer {
      try readRows(tensor, rows: 0..<tensor.rows, into: $0)
    }
    return values
  }

  /// The bytes of a tensor as the file has them, where rows are in canonical order: what a decoder
  /// may use without a copy. Nil where rows have to be put in order first.
  package func bytes(of tensor: ModelTensor) -> UnsafeRawBufferPointer? {
    guard tensor.order.isContiguous, tensor.offset == 0, tensor.type.isReal else { return nil }
    let bytes = files.bytes(of: tensor.stored)
    guard tensor.order.total != nil else { return bytes }
    let rowBytes = bytes.count / max(tensor.stored.rows, 1)
    let (start, count) = (tensor.order.first * rowBytes, tensor.rows * rowBytes)
    return UnsafeRawBufferPointer(rebasing: bytes[start..<start + count])
  }

  /// Hints that the pages of a tensor, and of others in the same bytes, are needed soon or not any
  /// more.
  package func advise(_ advice: MappedFile.Advice, _ tensor: ModelTensor) {
    files.advise(advice, tensor.stored)
  }
}
