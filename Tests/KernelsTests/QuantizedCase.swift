internal import CKernels
internal import Kernels

/// A quantized matrix made by the definition alone, with its weights as numbers.
///
/// Codes, scales and zero points each end at a forbidden page, up to three bytes off its edge.
final class QuantizedCase {
  let rows: Int
  let columns: Int
  let groupSize: Int
  let groups: Int
  let matrix: WeightMatrix
  private let bits: Int
  /// q - z [O, I] in fp32, as the contract rounds it.
  private(set) var unscaled: [Float] = []
  /// Effective scale of each weight [O, I].
  private(set) var scaleOf: [Float] = []

  private let codes: GuardedMemory<UInt8>
  private let scales: GuardedMemory<UInt16>
  private let gains: GuardedMemory<Float>?
  private let integerZeros: GuardedMemory<UInt8>?
  private let realZeros: GuardedMemory<UInt16>?

  /// `groupSize` nil: one scale a row.
  init(
    rows: Int, columns: Int, bits: Int, groupSize: Int?, realZeros hasRealZeros: Bool,
    gains hasGains: Bool, offset: Int, seed: Int
  ) {
    var random = RandomNumbers(seed: seed)
    let size = groupSize ?? columns
    let count = (columns + size - 1) / size
    let stride = (columns + 63) / 64 * 64 * bits / 8
    let top = (1 << bits) - 1
    (self.rows, self.columns, self.groupSize, groups) = (rows, columns, size, count)
    self.bits = bits

    // Padding holds ones, so that a kernel which uses it is caught.
    var packed = [UInt8](repeating: 0xFF, count: rows * stride)
    let numbers = (0..<rows * columns).map { _ in random.integer(0...top) }
    for row in 0..<rows {
      for column in 0..<columns {
        for bit in 0..<bits where numbers[row * columns + column] >> bit & 1 == 0 {
          let at = column * bits + bit
          packed[row * stride + at / 8] &= ~(1 << UInt8(at % 8))
        }
      }
    }
    codes = GuardedMemory(packed, slack: offset)

    let fp16 = random.floats(rows * count, scale: 0.02).map { Float16($0 + 0.03) }
    scales = GuardedMemory(fp16.map(\.bitPattern), slack: offset)
    let gain = random.floats(rows, scale: 0.2).map { $0 + 1 }
    gains = hasGains ? GuardedMemory(gain) : nil
    let whole = (0..<rows * count).map { _ in UInt8(random.integer(1...top)) }
    let real = random.floats(rows * count, scale: Float(top) / 2)
      .map { Float16($0 + Float(top) / 2) }
    integerZeros = hasRealZeros ? nil : GuardedMemory(whole)
    realZeros = hasRealZeros ? GuardedMemory(real.map(\.bitPattern), slack: offset) : nil

    for row in 0..<rows {
      for column in 0..<columns {
        let at = row * count + column / size
        let zero = hasRealZeros ? Float(real[at]) : Float(whole[at])
        unscaled.append(Float(numbers[row * columns + column]) - zero)
        let scale = Float(fp16[at])
        scaleOf.append(hasGains ? Float(Float16(scale * gain[row])) : scale)
      }
    }

    var matrix = WeightMatrix(
      codes: codes.raw, rows: rows, columns: columns, bits: bits, groupSize: size,
      rowStride: stride, scales: UnsafePointer(scales.pointer),
      offset: realZeros.map { .realZeros(UnsafePointer($0.pointer)) }
        ?? .zeros(UnsafePointer(integerZeros!.pointer)))
    if let gains {
      matrix.setScales(
        UnsafePointer(scales.pointer), gains: UnsafePointer(gains.pointer))
    }
    self.matrix = matrix
  }

  /// s (q - z), exactly.
  var weights: [Double] { zip(unscaled, scaleOf).map { Double($0) * Double($1) } }

  /// The matrix as the C kernels take it.
  var kernelView: peqa_matrix {
    peqa_matrix(
      storage: PEQA_CODES, rows: Int32(rows), columns: Int32(columns), data: codes.raw,
      row_stride: (columns + 63) / 64 * 64 * bits / 8, bits: Int32(bits),
      group_size: Int32(groupSize), groups: Int32(groups), scale_type: PEQA_F16,
      groups_per_scale: 1, scales_per_row: Int32(groups), scales: UnsafePointer(scales.pointer),
      gains: gains.map { UnsafePointer($0.pointer) },
      zeros_u8: integerZeros.map { UnsafePointer($0.pointer) },
      zeros_f16: realZeros.map { UnsafePointer($0.pointer) }, minima: nil, block_scales: nil,
      block_minima: nil)
  }
}
