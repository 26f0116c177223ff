// GGML's blocks of 32 elements. Low nibbles are elements 0..<16, high nibbles 16..<32.
// Source of the layouts: ggml-common.h, ggml-quants.c (dequantize_row_*), gguf-py quants.py.

extension UnsafeRawPointer {
  @inline(__always)
  func half(at offset: Int) -> Float {
    Float(halfBits: loadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }

  @inline(__always)
  func byte(at offset: Int) -> UInt8 { load(fromByteOffset: offset, as: UInt8.self) }
}

/// d, 16 bytes of nibbles: x = d * (q - 8).
@inline(__always)
func dequantizeQ40(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
  let scale = block.half(at: 0)
  for i in 0..<16 {
    let pair = block.byte(at: 2 + i)
    output[i] = scale * Float(Int32(pair & 15) &- 8)
    output[i + 16] = scale * Float(Int32(pair >> 4) &- 8)
  }
}

/// d, m, 16 bytes of nibbles: x = d * q + m.
@inline(__always)
func dequantizeQ41(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
  let scale = block.half(at: 0)
  let minimum = block.half(at: 2)
  for i in 0..<16 {
    let pair = block.byte(at: 4 + i)
    output[i] = scale * Float(Int32(pair & 15)) + minimum
    output[i + 16] = scale * Float(Int32(pair >> 4)) + minimum
  }
}

/// d, 32 fifth bits, 16 bytes of nibbles: x = d * (q - 16).
@inline(__always)
func dequantizeQ50(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
  let scale = block.half(at: 0)
  let high = block.loadUnaligned(fromByteOffset: 2, as: UInt32.self)
  for i in 0..<16 {
    let pair = UInt32(block.byte(at: 6 + i))
    let low = pair & 15 | (high >> UInt32(i) & 1) << 4
    let upper = pair >> 4 | (high >> UInt32(i + 16) & 1) << 4
    output[i] = scale * Float(Int32(low) &- 16)
    output[i + 16] = scale * Float(Int32(upper) &- 16)
  }
}

/// d, m, 32 fifth bits, 16 bytes of nibbles: x = d * q + m.
@inline(__always)
func dequantizeQ51(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
  let scale = block.half(at: 0)
  let minimum = block.half(at: 2)
  let high = block.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
  for i in 0..<16 {
    let pair = UInt32(block.byte(at: 8 + i))
    let low = pair & 15 | (high >> UInt32(i) & 1) << 4
    let upper = pair >> 4 | (high >> UInt32(i + 16) & 1) << 4
    output[i] = scale * Float(Int32(low)) + minimum
    output[i + 16] = scale * Float(Int32(upper)) + minimum
  }
}

/// d, 32 signed bytes: x = d * q.
@inline(__always)
func dequantizeQ80(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
  let scale = block.half(at: 0)
  for i in 0..<32 {
    output[i] = Float(Int32(Int8(bitPattern: block.byte(at: 2 + i)))) * scale
  }
}
