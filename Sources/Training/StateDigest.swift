internal import Kernels

/// A fast digest of what all ranks must hold alike: masters and moments.
///
/// Any one flipped bit changes it for certain (each step is a bijection of the lane), other damage
/// with a chance of 2^-62 to miss. It is compared between ranks and never stored.
enum StateDigest {
  /// - Returns: a number in 0 ..< 2^62.
  static func of(_ scales: FloatBuffer, _ optimizer: borrowing AdamW) -> Int64 {
    var hash = UInt64(truncatingIfNeeded: optimizer.updates)
    hash = add(scales.elements, to: hash)
    hash = add(optimizer.mean.elements, to: hash)
    hash = add(optimizer.square.elements, to: hash)
    return Int64(hash >> 2)
  }

  private static let factor: UInt64 = 0x9E37_79B9_7F4A_7C15

  private static func add(_ values: UnsafeMutableBufferPointer<Float>, to start: UInt64) -> UInt64 {
    let bytes = UnsafeRawBufferPointer(values)
    var lanes = (start, ~start, start ^ factor, ~start ^ factor)
    let whole = bytes.count / 32 * 32
    // Four lanes keep the multiplier busy.
    for offset in stride(from: 0, to: whole, by: 32) {
      lanes.0 = mix(lanes.0, bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      lanes.1 = mix(lanes.1, bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))
      lanes.2 = mix(lanes.2, bytes.loadUnaligned(fromByteOffset: offset + 16, as: UInt64.self))
      lanes.3 = mix(lanes.3, bytes.loadUnaligned(fromByteOffset: offset + 24, as: UInt64.self))
    }
    var hash = mix(mix(mix(lanes.0, lanes.1), lanes.2), lanes.3)
    for offset in stride(from: whole, to: bytes.count, by: 4) {
      hash = mix(hash, UInt64(bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }
    return mix(hash, UInt64(values.count))
  }

  private static func mix(_ hash: UInt64, _ word: UInt64) -> UInt64 {
    let product = (hash ^ word) &* factor
    return product ^ (product >> 32)
  }

  /// The ranks whose digest is not that of the majority; all of them where there is none.
  static func disagreeing(_ digests: [Int64]) -> [Int] {
    let counts = Dictionary(digests.map { ($0, 1) }, uniquingKeysWith: +)
    guard counts.count > 1 else { return [] }
    let right = counts.first { $0.value * 2 > digests.count }?.key
    return digests.indices.filter { digests[$0] != right }
  }
}
