internal import Checkpoints
internal import DecoderModel
internal import Kernels
internal import Quantization

/// Codes, scales and zero points of some rows of a linear layer.
struct LinearPiece {
  /// Packed, [rows, rowStride].
  var codes: [UInt8]
  /// [rows, G].
  var scales: [Float16]
  /// [rows, G]; one of the two is empty.
  var zeros: [UInt8] = []
  var realZeros: [Float16] = []
  var squaredError = 0.0
  var squaredNorm = 0.0
}

/// The chunks of a layer put together, without the codes, which are written at once.
struct LinearResult {
  var scales: [Float16] = []
  var zeros: [UInt8] = []
  var realZeros: [Float16] = []
  var squaredError = 0.0
  var squaredNorm = 0.0

  mutating func append(_ chunk: LinearPiece) {
    scales += chunk.scales
    zeros += chunk.zeros
    realZeros += chunk.realZeros
    squaredError += chunk.squaredError
    squaredNorm += chunk.squaredNorm
  }
}

/// Where the integers of a base come from.
protocol CodeSource {
  func codes(_ linear: QuantizePlan.PlannedLinear, rows: Range<Int>) throws -> LinearPiece
}

/// Rounds full-precision weights.
struct RoundedCodeSource: CodeSource {
  let reader: RowReader
  let quantizer: RowQuantizer
  let pool: WorkerPool

  func codes(_ linear: QuantizePlan.PlannedLinear, rows: Range<Int>) throws -> LinearPiece {
    let weights = try reader.read(linear.tensor, rows: rows)
    do {
      let result = try weights.withUnsafeBufferPointer { buffer in
        try quantizer.quantize(
          buffer, rows: rows.count, columns: linear.layout.columns, firstRow: rows.lowerBound,
          pool: pool)
      }
      return LinearPiece(
        codes: result.codes, scales: result.scales, zeros: result.zeros,
        squaredError: result.squaredError, squaredNorm: result.squaredNorm)
    } catch let error as QuantizationError {
      throw ModelFileError.faults(path: reader.source.path, ["\(linear.tensor.name): \(error)"])
    }
  }
}

/// Takes the integers of a GGUF file as they are.
struct ImportedCodeSource: CodeSource {
  let source: ModelSource

  func codes(_ linear: QuantizePlan.PlannedLinear, rows: Range<Int>) throws -> LinearPiece {
    var imported = try source.importedCodes(linear.tensor, rows: rows)
    let zero = BlockCodes.zeroPoint(of: linear.tensor.type) ?? 0
    let groups = linear.layout.groups
    var chunk = LinearPiece(codes: [], scales: [])
    for group in 0..<(rows.count * groups) {
      let columns = (group * BlockCodes.groupSize)..<((group + 1) * BlockCodes.groupSize)
      let block =
        linear.realZeros
        ? ImportedBlock(scale: imported.scales[group], minimum: imported.minima[group])
        : ImportedBlock(scale: imported.scales[group], zero: zero)
      for column in columns {
        let code = imported.codes[column]
        let weight =
          Double(imported.scales[group]) * Double(Int(code) - (linear.realZeros ? 0 : zero))
          + Double(imported.minima[group])
        let stored = block.constant ?? code
        let value = Double(block.scale) * (Double(stored) - Double(block.zero))
        imported.codes[column] = stored
        chunk.squaredError += (weight - value) * (weight - value)
        chunk.squaredNorm += weight * weight
      }
      chunk.scales.append(block.scale)
      if linear.realZeros {
        chunk.realZeros.append(block.zero)
      } else {
        chunk.zeros.append(UInt8(zero))
      }
    }
    chunk.codes = pack(imported.codes, linear.layout, rows: rows.count)
    return chunk
  }

  private func pack(_ codes: [UInt8], _ layout: PackedLayout, rows: Int) -> [UInt8] {
    var packed = [UInt8](repeating: 0, count: rows * layout.rowStride)
    codes.withUnsafeBufferPointer { codes in
      packed.withUnsafeMutableBytes { packed in
        for row in 0..<rows {
          let columns = (row * layout.columns)..<((row + 1) * layout.columns)
          let bytes = (row * layout.rowStride)..<((row + 1) * layout.rowStride)
          PackedCodes.pack(
            UnsafeBufferPointer(rebasing: codes[columns]), bits: layout.bits,
            into: UnsafeMutableRawBufferPointer(rebasing: packed[bytes]))
        }
      }
    }
    return packed
  }
}

/// Scale and zero point of a block of GGML's, `scale * (code - zero)`.
///
/// A scale of nothing, in blocks whose weights are all equal, would leave nothing to train and
/// divide by zero in the gradient: such a block gets a scale and one code for all its weights.
private struct ImportedBlock {
  var scale: Float16
  var zero: Float16
  /// The one code of the block; nil where codes stay.
  var constant: UInt8?

  /// Q4_0, Q8_0: the zero point is the format's.
  init(scale: Float16, zero: Int) {
    self.zero = Float16(zero)
    self.scale = scale == 0 ? 1 : scale
    constant = scale == 0 ? UInt8(zero) : nil
  }

  /// Q4_1: `scale * code + minimum`, so the zero point is -minimum / scale. Where that leaves the
  /// range of fp16, the 15 steps of the block are less than 0.03 % of its weights: it is constant.
  init(scale: Float16, minimum: Float16) {
    let zero = scale == 0 ? Float.infinity : -Float(minimum) / Float(scale)
    if abs(zero) <= Float(Float16.greatestFiniteMagnitude) {
      (self.scale, self.zero, constant) = (scale, Float16(zero), nil)
      return
    }
    let middle = Float16(Float(minimum) + 7.5 * Float(scale))
    switch middle {
    case 0: (self.scale, self.zero, constant) = (1, 8, 8)
    case let value where value > 0: (self.scale, self.zero, constant) = (value, 0, 1)
    default: (self.scale, self.zero, constant) = (-middle, 1, 0)
    }
  }
}
