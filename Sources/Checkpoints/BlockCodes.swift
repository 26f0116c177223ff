/// The integers inside GGML's simple formats, for taking them over as they are.
///
/// A weight of block j is `scales[j] * (code - zeroPoint) + minima[j]`.
package enum BlockCodes {
  /// Elements that share a scale.
  package static let groupSize = 32

  /// The code that stands for zero (where the minimum is zero); nil for formats without codes.
  package static func zeroPoint(of type: ElementType) -> Int? {
    switch type {
    case .q4_0: 8
    case .q4_1: 0
    case .q8_0: 128
    default: nil
    }
  }

  /// Bits a code takes; nil for formats without codes.
  package static func bits(of type: ElementType) -> Int? {
    switch type {
    case .q4_0, .q4_1: 4
    case .q8_0: 8
    default: nil
    }
  }

  /// Unpacks `scales.count` blocks: 32 codes, one scale and one minimum each.
  ///
  /// Q8_0's signed bytes are moved up by 128. Q4_0 and Q8_0 have no minimum: zeros are written.
  /// Throws `unsupported` for any other type.
  package static func unpack(
    _ bytes: UnsafeRawBufferPointer, type: ElementType,
    codes: UnsafeMutableBufferPointer<UInt8>, scales: UnsafeMutableBufferPointer<Float16>,
    minima: UnsafeMutableBufferPointer<Float16>
  ) throws(CheckpointError) {
    guard zeroPoint(of: type) != nil else {
      throw .unsupported(
        path: "tensor",
        detail: "the codes of \(type.name) cannot be kept; only those of Q4_0, Q4_1 and Q8_0 can. "
          + "Quantize without keeping codes.")
    }
    precondition(type.byteCount(elements: codes.count) == bytes.count, "bytes are no whole blocks")
    precondition(
      scales.count * groupSize == codes.count && minima.count == scales.count,
      "one scale and one minimum for every 32 codes")
    guard let source = bytes.baseAddress, let target = codes.baseAddress else { return }
    for j in 0..<scales.count {
      let block = source + j * type.blockBytes
      scales[j] = Float16(bitPattern: block.loadUnaligned(as: UInt16.self))
      minima[j] =
        type == .q4_1
        ? Float16(bitPattern: block.loadUnaligned(fromByteOffset: 2, as: UInt16.self)) : 0
      let payload = block + (type == .q4_1 ? 4 : 2)
      if type == .q8_0 {
        unpackBytes(payload, target + j * groupSize)
      } else {
        unpackNibbles(payload, target + j * groupSize)
      }
    }
  }

  @inline(__always)
  private static func unpackBytes(_ payload: UnsafeRawPointer, _ codes: UnsafeMutablePointer<UInt8>)
  {
    for i in 0..<32 { codes[i] = payload.load(fromByteOffset: i, as: UInt8.self) ^ 0x80 }
  }

  @inline(__always)
  private static func unpackNibbles(
    _ payload: UnsafeRawPointer, _ codes: UnsafeMutablePointer<UInt8>
  ) {
    for i in 0..<16 {
      let pair = payload.load(fromByteOffset: i, as: UInt8.self)
      codes[i] = pair & 15
      codes[i + 16] = pair >> 4
    }
  }
}
