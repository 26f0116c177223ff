internal import Checkpoints
internal import Kernels

/// Scales and gains as numbers: all are exact in Double, and are rounded back once, to nearest,
/// ties to even. Bytes are little-endian, at any alignment.
extension FloatType {
  func numbers(in bytes: UnsafeRawBufferPointer) -> [Double] {
    switch self {
    case .f16: Self.map(bytes) { Double(Float(halfBits: $0)) }
    case .bf16: Self.map(bytes) { Double(BFloat16(bits: $0).float) }
    case .f32: Self.map(bytes) { Double(Float(bitPattern: $0)) }
    }
  }

  func bytes(of numbers: [Double]) -> [UInt8] {
    switch self {
    case .f16: Self.bytes(numbers) { Float16($0).bitPattern }
    case .bf16: Self.bytes(numbers) { BFloat16(Self.oddFloat($0)).bits }
    case .f32: Self.bytes(numbers) { Float($0).bitPattern }
    }
  }

  /// Single precision, inexact numbers to the odd neighbour: rounding that once more to fewer bits
  /// gives what rounding the Double at once would. Source: Boldo and Melquiond, "Emulation of FMA
  /// and correctly rounded sums: proved algorithms using rounding to odd", 2008.
  static func oddFloat(_ number: Double) -> Float {
    let nearest = Float(number)
    guard number.isFinite, Double(nearest) != number else { return nearest }
    let isAway = Double(nearest).magnitude > number.magnitude
    return Float(bitPattern: (nearest.bitPattern - (isAway ? 1 : 0)) | 1)
  }

  private static func map<Bits: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: UnsafeRawBufferPointer, _ number: (Bits) -> Double
  ) -> [Double] {
    let size = MemoryLayout<Bits>.size
    return (0..<(bytes.count / size)).map {
      number(Bits(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * size, as: Bits.self)))
    }
  }

  private static func bytes<Bits: FixedWidthInteger & BitwiseCopyable>(
    _ numbers: [Double], _ bits: (Double) -> Bits
  ) -> [UInt8] {
    numbers.map { bits($0).littleEndian }.withUnsafeBytes { Array($0) }
  }
}
