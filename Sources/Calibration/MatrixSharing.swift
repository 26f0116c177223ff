internal import Collectives
internal import Kernels
internal import Quantization

/// Quantizes one matrix on all ranks, each a part of its rows, and gives all of them the whole.
struct MatrixSharing {
  let quantizer: CalibratedQuantizer
  let communicator: Communicator
  let pool: WorkerPool

  /// Rows [O, I] of a layer; collective.
  func quantize(
    _ weights: UnsafeBufferPointer<Float>, rows: Int, for moments: InputMoments
  ) throws -> QuantizedRows {
    let unit = CalibratedQuantizer.chunkRows
    let units = (rows + unit - 1) / unit
    let (rank, size) = (communicator.rank, communicator.size)
    let first = min(rows, rank * units / size * unit)
    let end = min(rows, (rank + 1) * units / size * unit)
    let part = weights[first * moments.columns..<end * moments.columns]
    let parts = try quantizer.quantize(
      UnsafeBufferPointer(rebasing: part), rows: end - first, firstRow: first, for: moments,
      pool: pool)
    guard size > 1 else { return QuantizedRows(parts) }
    let layout = quantizer.settings.layout(rows: rows, columns: moments.columns)
    let all = try communicator.allGather(parts.flatMap { Self.bytes($0) })
    return QuantizedRows(Self.parts(all.flatMap { $0 }, layout, unit: unit))
  }

  /// Numbers of a part one behind another: all ranks are of one byte order.
  private static func bytes(_ part: QuantizedRows) -> [UInt8] {
    let errors = [part.squaredError, part.squaredNorm, part.outputError, part.outputNorm]
    return part.rows.codes + part.rows.scales + part.rows.zeros
      + errors.withUnsafeBytes { Array($0) }
  }

  private static func parts(
    _ bytes: [UInt8], _ layout: PackedLayout, unit: Int
  ) -> [QuantizedRows] {
    var rest = bytes[...]
    func take(_ count: Int) -> [UInt8] {
      defer { rest = rest.dropFirst(count) }
      return Array(rest.prefix(count))
    }
    return stride(from: 0, to: layout.rows, by: unit).map { first in
      var part = QuantizedRows(layout: layout.with(rows: min(unit, layout.rows - first)))
      part.rows.codes = take(part.rows.codes.count)
      part.rows.scales = take(part.rows.scales.count)
      part.rows.zeros = take(part.rows.zeros.count)
      let errors = take(4 * MemoryLayout<Double>.size).withUnsafeBytes {
        Array($0.bindMemory(to: Double.self))
      }
      (part.squaredError, part.squaredNorm) = (errors[0], errors[1])
      (part.outputError, part.outputNorm) = (errors[2], errors[3])
      return part
    }
  }
}
