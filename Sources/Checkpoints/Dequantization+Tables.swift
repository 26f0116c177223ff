// GGML's blocks whose codes are places in a table of 16 values, not evenly spaced.
// Source of the layouts: ggml-common.h (kvalues_iq4nl), ggml-quants.c (dequantize_row_iq4_*),
// gguf-py quants.py.

extension ElementType {
  /// The values that the codes of IQ4_NL and IQ4_XS stand for, ascending.
  package static let iq4Values: [Int8] = [
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
  ]
}

/// d, 16 bytes of nibbles as Q4_0's: x = d * value[q].
@inline(__always)
func dequantizeIQ4NL(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
  lookUp(block + 2, scale: block.half(at: 0), output)
}

/// d, 8 upper bit pairs and 8 low nibbles of scales, 8 times the nibbles of IQ4_NL:
/// x = (d * (scale - 32)) * value[q].
@inline(__always)
func dequantizeIQ4XS(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
  let scale = block.half(at: 0)
  let upper = block.loadUnaligned(fromByteOffset: 2, as: UInt16.self)
  for sub in 0..<8 {
    let low = block.byte(at: 4 + sub / 2) >> UInt8(sub % 2 * 4) & 15
    let high = UInt8(upper >> UInt16(sub * 2) & 3)
    let d = scale * Float(Int32(low | high << 4) &- 32)
    lookUp(block + 8 + sub * 16, scale: d, output + sub * 32)
  }
}

@inline(__always)
private func lookUp(
  _ nibbles: UnsafeRawPointer, scale: Float, _ output: UnsafeMutablePointer<Float>
) {
  ElementType.iq4Values.withUnsafeBufferPointer { values in
    for i in 0..<16 {
      let pair = nibbles.byte(at: i)
      output[i] = scale * Float(values[Int(pair & 15)])
      output[i + 16] = scale * Float(values[Int(pair >> 4)])
    }
  }
}
