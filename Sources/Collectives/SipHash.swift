/// SipHash-2-4 with a result of 128 bits: a keyed hash that nobody can compute without the key.
///
/// Aumasson and Bernstein 2012, "SipHash: a fast short-input PRF"; the 128-bit form and its test
/// vectors are those of the authors' reference code. It is written here, and not taken from
/// libcrypto as SHA-256 is, because the thread that sends heartbeats still runs while a process
/// ends, and libcrypto may not be called once its exit handler has run. This needs no memory and no
/// state, and takes less than a microsecond for a datagram.
package struct SipHash: Sendable {
  private let key: (UInt64, UInt64)

  /// - Parameter key: the first and the last 8 bytes of the key, as little-endian numbers.
  package init(key: (UInt64, UInt64)) { self.key = key }

  package func hash(_ bytes: UnsafeRawBufferPointer) -> (UInt64, UInt64) {
    var v = State(key)
    let whole = bytes.count & ~7
    for offset in stride(from: 0, to: whole, by: 8) {
      v.absorb(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
    }
    var last = UInt64(truncatingIfNeeded: bytes.count) << 56
    for offset in whole..<bytes.count { last |= UInt64(bytes[offset]) << (8 * (offset - whole)) }
    v.absorb(last)
    return v.finish()
  }

  private struct State {
    var v0, v1, v2, v3: UInt64

    init(_ key: (UInt64, UInt64)) {
      v0 = key.0 ^ 0x736f_6d65_7073_6575
      v1 = key.1 ^ 0x646f_7261_6e64_6f6d ^ 0xee
      v2 = key.0 ^ 0x6c79_6765_6e65_7261
      v3 = key.1 ^ 0x7465_6462_7974_6573
    }

    mutating func absorb(_ word: UInt64) {
      v3 ^= word
      rounds(2)
      v0 ^= word
    }

    mutating func finish() -> (UInt64, UInt64) {
      v2 ^= 0xee
      rounds(4)
      let first = v0 ^ v1 ^ v2 ^ v3
      v1 ^= 0xdd
      rounds(4)
      return (first, v0 ^ v1 ^ v2 ^ v3)
    }

    private mutating func rounds(_ count: Int) {
      func rotated(_ x: UInt64, _ by: UInt64) -> UInt64 { x &<< by | x &>> (64 &- by) }
      for _ in 0..<count {
        v0 = v0 &+ v1
        v1 = rotated(v1, 13) ^ v0
        v0 = rotated(v0, 32)
        v2 = v2 &+ v3
        v3 = rotated(v3, 16) ^ v2
        v0 = v0 &+ v3
        v3 = rotated(v3, 21) ^ v0
        v2 = v2 &+ v1
        v1 = rotated(v1, 17) ^ v2
        v2 = rotated(v2, 32)
      }
    }
  }
}
