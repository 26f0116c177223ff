internal import CKernels

/// How floating-point numbers lie in memory.
package enum FloatType: Sendable, CaseIterable {
  case f32, f16, bf16

  package var byteCount: Int { self == .f32 ? 4 : 2 }

  /// Number `index` of an array at any address.
  @inline(__always)
  package func load(_ numbers: UnsafeRawPointer, _ index: Int) -> Float {
    switch self {
    case .f32: numbers.loadUnaligned(fromByteOffset: index * 4, as: Float.self)
    case .f16:
      Float(
        Float16(bitPattern: numbers.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)))
    case .bf16:
      Float(
        bitPattern: UInt32(numbers.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)) << 16)
    }
  }

  /// Rounds to nearest, ties to even.
  @inline(__always)
  package func store(_ value: Float, _ numbers: UnsafeMutableRawPointer, _ index: Int) {
    switch self {
    case .f32: numbers.storeBytes(of: value, toByteOffset: index * 4, as: Float.self)
    case .f16:
      numbers.storeBytes(
        of: Float16(value).bitPattern, toByteOffset: index * 2, as: UInt16.self)
    case .bf16: numbers.storeBytes(of: Self.bf16(value), toByteOffset: index * 2, as: UInt16.self)
    }
  }

  /// The nearest number of this type.
  @inline(__always)
  package func rounded(_ value: Float) -> Float {
    switch self {
    case .f32: value
    case .f16: Float(Float16(value))
    case .bf16: Float(bitPattern: UInt32(Self.bf16(value)) << 16)
    }
  }

  @inline(__always)
  private static func bf16(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    guard !value.isNaN else { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
    return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
  }

  /// Whether no number is NaN or infinite: those have an exponent of all ones. `numbers` are
  /// aligned to their type.
  package func areFinite(_ numbers: UnsafeRawBufferPointer) -> Bool {
    // No early exit, so that it vectorizes.
    var bad = false
    switch self {
    case .f32:
      for word in numbers.assumingMemoryBound(to: UInt32.self) {
        bad = bad || word & 0x7F80_0000 == 0x7F80_0000
      }
    case .f16:
      for half in numbers.assumingMemoryBound(to: UInt16.self) {
        bad = bad || half & 0x7C00 == 0x7C00
      }
    case .bf16:
      for half in numbers.assumingMemoryBound(to: UInt16.self) {
        bad = bad || half & 0x7F80 == 0x7F80
      }
    }
    return !bad
  }

  var storage: peqa_storage {
    switch self {
    case .f32: PEQA_F32
    case .f16: PEQA_F16
    case .bf16: PEQA_BF16
    }
  }

  init(_ storage: peqa_storage) {
    self = storage == PEQA_F32 ? .f32 : storage == PEQA_BF16 ? .bf16 : .f16
  }
}
