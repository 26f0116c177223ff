internal import CKernels
internal import Kernels

/// A quantized matrix made by the definition alone, with its weights as numbers.
///
/// Codes and every kind of number beside them end at a forbidden page, codes, scales, minima and
/// real zero points up to three bytes off its edge.
final class QuantizedCase {
  /// What takes a code's place to zero, and whether integers of groups stand beside the scales.
  enum Form: CaseIterable, Sendable {
    case zeros, realZeros, minima
    /// Super-blocks.
    case centreBlocks, minimaBlocks

    var hasMinima: Bool { self == .minima || self == .minimaBlocks }
    var hasBlocks: Bool { self == .centreBlocks || self == .minimaBlocks }
  }

  let rows: Int
  let columns: Int
  let groupSize: Int
  let groups: Int
  let form: Form
  /// Codes [O, I].
  let numbers: [Int]
  /// [O, G].
  let grids: [Grid]
  /// Column i of the matrix is column order[i] of the input; nil: the same.
  let order: [Int32]?
  /// slope q - z [O, I] in fp32, as the contract rounds it.
  private(set) var unscaled: [Float] = []
  /// Effective scale of each weight [O, I].
  private(set) var scaleOf: [Float] = []

  let bits: Int
  private let groupsPerScale: Int
  private let scaleType: FloatType
  private let codes: GuardedMemory<UInt8>
  private let scales: GuardedMemory<UInt8>
  private let gains: GuardedMemory<Float>?
  private let integerZeros: GuardedMemory<UInt8>?
  private let realZeros: GuardedMemory<UInt16>?
  private let minima: GuardedMemory<UInt8>?
  private let blockScales: GuardedMemory<Int8>?
  private let blockMinima: GuardedMemory<UInt8>?
  private let orderMemory: GuardedMemory<Int32>?

  /// Integer or real zero points under fp16 scales. `groupSize` nil: one scale a row.
  convenience init(
    rows: Int, columns: Int, bits: Int, groupSize: Int?, realZeros: Bool, gains: Bool, offset: Int,
    seed: Int
  ) {
    self.init(
      rows: rows, columns: columns, bits: bits, groupSize: groupSize,
      form: realZeros ? .realZeros : .zeros, gains: gains, offset: offset, seed: seed)
  }

  /// `groupsPerScale` is for forms with super-blocks. Where `zeroScales`, about a quarter of the
  /// scales are 0; where `ordered`, columns are in a random order.
  init(
    rows: Int, columns: Int, bits: Int, groupSize: Int?, form: Form, scaleType: FloatType = .f16,
    groupsPerScale: Int = 8, gains hasGains: Bool, zeroScales: Bool = false, ordered: Bool = false,
    offset: Int, seed: Int
  ) {
    var random = RandomNumbers(seed: seed)
    let size = groupSize ?? columns
    let count = (columns + size - 1) / size
    let perScale = form.hasBlocks ? groupsPerScale : 1
    let perRow = (count + perScale - 1) / perScale
    let top = (1 << bits) - 1
    (self.rows, self.columns, self.groupSize, groups) = (rows, columns, size, count)
    (self.form, self.bits, self.scaleType) = (form, bits, scaleType)
    self.groupsPerScale = perScale

    numbers = (0..<rows * columns).map { _ in random.integer(0...top) }
    codes = GuardedMemory(
      Self.packed(numbers, rows: rows, columns: columns, bits: bits), slack: offset)
    var scale = random.floats(rows * perRow, scale: 0.02).map { scaleType.rounded($0 + 0.03) }
    let gain = random.floats(rows, scale: 0.2).map { $0 + 1 }
    let whole = (0..<rows * count).map { _ in UInt8(random.integer(1...top)) }
    let real = random.floats(rows * count, scale: Float(top) / 2)
      .map { Float16($0 + Float(top) / 2) }
    let minimum = random.floats(rows * perRow, scale: 0.3).map { scaleType.rounded($0) }
    var blockScale = (0..<rows * count).map { _ in Int8(random.integer(-128...127)) }
    let blockMinimum = (0..<rows * count).map { _ in UInt8(random.integer(0...255)) }
    if zeroScales {
      for i in scale.indices where random.integer(0...3) == 0 { scale[i] = 0 }
      for i in blockScale.indices where random.integer(0...3) == 0 { blockScale[i] = 0 }
    }
    order = ordered ? (0..<Int32(columns)).shuffled(using: &random) : nil

    scales = GuardedMemory(Self.bytes(scale, scaleType), slack: offset)
    gains = hasGains ? GuardedMemory(gain) : nil
    integerZeros = form == .zeros ? GuardedMemory(whole) : nil
    realZeros = form == .realZeros ? GuardedMemory(real.map(\.bitPattern), slack: offset) : nil
    minima = form.hasMinima ? GuardedMemory(Self.bytes(minimum, scaleType), slack: offset) : nil
    blockScales = form.hasBlocks ? GuardedMemory(blockScale) : nil
    blockMinima = form == .minimaBlocks ? GuardedMemory(blockMinimum) : nil
    orderMemory = order.map { GuardedMemory($0) }

    grids = (0..<rows * count).map { at in
      let row = at / count
      let number = row * perRow + at % count / perScale
      func own(_ x: Float) -> Float { hasGains ? scaleType.rounded(x * gain[row]) : x }
      let block = form.hasBlocks ? Float(blockScale[at]) : 1
      let s = own(scale[number])
      return switch form {
      case .zeros: Grid(s, block, zero: Float(whole[at]))
      case .realZeros: Grid(s, block, zero: Float(real[at]))
      case .centreBlocks: Grid(s, block, zero: Float(1 << (bits - 1)))
      case .minima: Grid(s, block, minimum: own(minimum[number]), 1)
      case .minimaBlocks:
        Grid(s, block, minimum: own(minimum[number]), -Float(blockMinimum[at]))
      }
    }
    for (at, number) in numbers.enumerated() {
      let grid = grids[at / columns * count + at % columns / size].contract
      unscaled.append(grid.slope * Float(number) - grid.zero)
      scaleOf.append(grid.scale)
    }
  }

  /// Padding holds ones, so that a kernel which uses it is caught.
  private static func packed(_ numbers: [Int], rows: Int, columns: Int, bits: Int) -> [UInt8] {
    let stride = (columns + 63) / 64 * 64 * bits / 8
    var packed = [UInt8](repeating: 0xFF, count: rows * stride)
    for row in 0..<rows {
      for column in 0..<columns {
        for bit in 0..<bits where numbers[row * columns + column] >> bit & 1 == 0 {
          let at = column * bits + bit
          packed[row * stride + at / 8] &= ~(1 << UInt8(at % 8))
        }
      }
    }
    return packed
  }

  /// Numbers that the type holds exactly.
  private static func bytes(_ numbers: [Float], _ type: FloatType) -> [UInt8] {
    numbers.flatMap { number -> [UInt8] in
      switch type {
      case .f32: withUnsafeBytes(of: number.bitPattern) { Array($0) }
      case .f16: withUnsafeBytes(of: Float16(number).bitPattern) { Array($0) }
      case .bf16: withUnsafeBytes(of: UInt16(number.bitPattern >> 16)) { Array($0) }
      }
    }
  }

  private var stride: Int { (columns + 63) / 64 * 64 * bits / 8 }

  /// s (q - z), exactly; of forms with zero points and no super-blocks.
  var weights: [Double] { zip(unscaled, scaleOf).map { Double($0) * Double($1) } }

  var matrix: WeightMatrix { matrix(ordered: true) }

  /// The matrix, without its order where not `ordered`.
  func matrix(ordered: Bool) -> WeightMatrix {
    let zeroPoint: WeightMatrix.Offset =
      integerZeros.map { .zeros(UnsafePointer($0.pointer)) }
      ?? realZeros.map { .realZeros(UnsafePointer($0.pointer)) }
      ?? minima.map { .minima($0.raw) } ?? .centre
    var matrix = WeightMatrix(
      codes: codes.raw, rows: rows, columns: columns, bits: bits, groupSize: groupSize,
      rowStride: stride, scales: scales.raw, scaleType: scaleType, offset: zeroPoint,
      superBlocks: blockScales.map {
        WeightMatrix.SuperBlocks(
          groupsPerScale: groupsPerScale, scales: UnsafePointer($0.pointer),
          minima: blockMinima.map { UnsafePointer($0.pointer) })
      }, order: ordered ? orderMemory.map { UnsafePointer($0.pointer) } : nil)
    if let gains {
      matrix.setScales(
        scales.raw, minima: minima.map(\.raw), gains: UnsafePointer(gains.pointer))
    }
    return matrix
  }

  /// The matrix as the C kernels take it, which know no order.
  var kernelView: peqa_matrix {
    let type = scaleType == .f32 ? PEQA_F32 : scaleType == .f16 ? PEQA_F16 : PEQA_BF16
    return peqa_matrix(
      storage: PEQA_CODES, rows: Int32(rows), columns: Int32(columns), data: codes.raw,
      row_stride: stride, bits: Int32(bits), group_size: Int32(groupSize), groups: Int32(groups),
      scale_type: type, groups_per_scale: Int32(groupsPerScale),
      scales_per_row: Int32((groups + groupsPerScale - 1) / groupsPerScale), scales: scales.raw,
      gains: gains.map { UnsafePointer($0.pointer) },
      zeros_u8: integerZeros.map { UnsafePointer($0.pointer) },
      zeros_f16: realZeros.map { UnsafePointer($0.pointer) }, minima: minima.map(\.raw),
      block_scales: blockScales.map { UnsafePointer($0.pointer) },
      block_minima: blockMinima.map { UnsafePointer($0.pointer) })
  }
}
