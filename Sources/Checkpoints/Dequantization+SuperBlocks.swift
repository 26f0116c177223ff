// GGML's "K" blocks: 256 elements in sub-blocks that have small integer scales of their own.
// Source of the layouts: ggml-common.h, ggml-quants.c (dequantize_row_*_K), gguf-py quants.py.

/// The 6-bit scale and minimum of sub-block `index` (0..<8) from the 12 packed bytes of Q4_K, Q5_K.
///
/// Bytes 0..<4 are scales 0..<4, bytes 4..<8 minima 0..<4, in six bits each; bytes 8..<12 hold the
/// low nibbles of scales and minima 4..<8, whose top two bits stand in bytes 0..<8.
@inline(__always)
private func scaleAndMinimum(_ packed: UnsafeRawPointer, _ index: Int) -> (UInt8, UInt8) {
  guard index >= 4 else { return (packed.byte(at: index) & 63, packed.byte(at: index + 4) & 63) }
  let low = packed.byte(at: index + 4)
  return (
    low & 15 | (packed.byte(at: index - 4) >> 6) << 4, low >> 4 | (packed.byte(at: index) >> 6) << 4
  )
}

/// 16 bytes of nibbles (scales below, minima above), 64 of bit pairs, d, dmin:
/// x = (d * scale) * q - (dmin * minimum).
/// Each half of 128 elements takes 32 bytes of bit pairs; its quarter k, 32 elements, takes pair k.
@inline(__always)
func dequantizeQ2K(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
  let (scale, minimum) = (block.half(at: 80), block.half(at: 82))
  for sub in 0..<16 {
    let both = block.byte(at: sub)
    let (d, m) = (scale * Float(both & 15), minimum * Float(both >> 4))
    let pairs = block + 16 + sub / 8 * 32 + sub % 2 * 16
    let shift = UInt8(sub / 2 % 4) * 2
    for i in 0..<16 {
      output[sub * 16 + i] = d * Float(Int32(pairs.byte(at: i) >> shift & 3)) - m
    }
  }
}

/// 32 bytes of third bits, 64 of bit pairs as Q2_K's, 12 of 6-bit scales, d:
/// x = (d * (scale - 32)) * (q - 4).
/// Bit k of the third bits' byte i belongs to element 32 k + i. Of sub-block `sub`, the scale's low
/// nibble is nibble `sub / 8` of byte `sub % 8`, its upper pair is pair `sub / 4` of byte
/// 8 + `sub % 4`.
@inline(__always)
func dequantizeQ3K(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
  let (scale, scales) = (block.half(at: 108), block + 96)
  for sub in 0..<16 {
    let low = scales.byte(at: sub % 8) >> UInt8(sub / 8 * 4) & 15
    let upper = scales.byte(at: 8 + sub % 4) >> UInt8(sub / 4 * 2) & 3
    let d = scale * Float(Int32(low | upper << 4) &- 32)
    let thirds = block + sub % 2 * 16
    let pairs = block + 32 + sub / 8 * 32 + sub % 2 * 16
    let shift = UInt8(sub / 2 % 4) * 2
    for i in 0..<16 {
      let q = pairs.byte(at: i) >> shift & 3 | (thirds.byte(at: i) >> UInt8(sub / 2) & 1) << 2
      output[sub * 16 + i] = d * Float(Int32(q) &- 4)
    }
  }
}

/// d, dmin, 12 bytes of scales, 128 of nibbles: x = (d * scale) * q - (dmin * minimum).
/// Every 32 bytes of nibbles are two sub-blocks: the low nibbles, then the high ones.
@inline(__always)
func dequantizeQ4K(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
  let (scale, minimum) = (block.half(at: 0), block.half(at: 2))
  for sub in 0..<8 {
    let (subScale, subMinimum) = scaleAndMinimum(block + 4, sub)
    let (d, m) = (scale * Float(subScale), minimum * Float(subMinimum))
    let nibbles = block + 16 + sub / 2 * 32
    let shift = UInt8(sub & 1) * 4
    for i in 0..<32 {
      output[sub * 32 + i] = d * Float(Int32(nibbles.byte(at: i) >> shift & 15)) - m
    }
  }
}

/// As Q4_K with 32 bytes of fifth bits before the nibbles: bit `sub` of byte i belongs to element i
/// of sub-block `sub`.
@inline(__always)
func dequantizeQ5K(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
  let (scale, minimum) = (block.half(at: 0), block.half(at: 2))
  for sub in 0..<8 {
    let (subScale, subMinimum) = scaleAndMinimum(block + 4, sub)
    let (d, m) = (scale * Float(subScale), minimum * Float(subMinimum))
    let nibbles = block + 48 + sub / 2 * 32
    let shift = UInt8(sub & 1) * 4
    for i in 0..<32 {
      let high = block.byte(at: 16 + i) >> UInt8(sub) & 1
      output[sub * 32 + i] = d * Float(Int32(nibbles.byte(at: i) >> shift & 15 | high << 4)) - m
    }
  }
}

/// 128 bytes of nibbles, 64 of upper bit pairs, 16 signed scales, d: x = (d * scale) * (q - 32).
/// Each half of 128 elements takes 64 bytes of nibbles and 32 of bit pairs; its quarter k of 32
/// elements takes nibble `k / 2` of bytes `k % 2 * 32 ..< 32 + k % 2 * 32` and bit pair k.
@inline(__always)
func dequantizeQ6K(_ block: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
  let scale = block.half(at: 208)
  for quarter in 0..<8 {
    let (side, k) = (quarter / 4, quarter % 4)
    let nibbles = block + side * 64 + k % 2 * 32
    let pairs = block + 128 + side * 32
    let (lowShift, highShift) = (UInt8(k / 2) * 4, UInt8(k) * 2)
    for part in 0..<2 {
      let subScale = Int8(bitPattern: block.byte(at: 192 + quarter * 2 + part))
      let d = scale * Float(subScale)
      for i in part * 16..<part * 16 + 16 {
        let q = nibbles.byte(at: i) >> lowShift & 15 | (pairs.byte(at: i) >> highShift & 3) << 4
        output[quarter * 32 + i] = d * Float(Int32(q) &- 32)
      }
    }
  }
}
