/// Eight codes between the bytes of a word and `bits` bytes of the bit stream.
struct EightCodes {
  static let signs: UInt64 = 0x8080_8080_8080_8080
  private let bits: Int
  private let shift: UInt64
  /// The first of every two, four and eight codes.
  private let ones: UInt64
  private let twos: UInt64
  private let fours: UInt64

  @inline(__always)
  init(bits: Int) {
    self.bits = bits
    let width = UInt64(bits)
    shift = 8 &- width
    ones = (1 &<< width &- 1) &* 0x0001_0001_0001_0001
    twos = (1 &<< (2 &* width) &- 1) &* 0x0000_0001_0000_0001
    fours = 1 &<< (4 &* width) &- 1
  }

  /// Eight bytes, each below 2^bits, as 8 * bits bits.
  @inline(__always)
  func join(_ lanes: UInt64) -> UInt64 {
    var word = lanes
    word = word & ones | (word &>> shift) & (ones &<< (8 &- shift))
    word = word & twos | (word &>> (2 &* shift)) & (twos &<< (16 &- 2 &* shift))
    return word & fours | (word &>> (4 &* shift)) & (fours &<< (32 &- 4 &* shift))
  }

  @inline(__always)
  func spread(_ stream: UInt64) -> UInt64 {
    var word = stream
    word = word & fours | (word &<< (4 &* shift)) & (fours &<< 32)
    word = word & twos | (word &<< (2 &* shift)) & (twos &<< 16)
    return word & ones | (word &<< shift) & (ones &<< 8)
  }

  @inline(__always)
  func load(from source: UnsafeRawPointer) -> UInt64 {
    if bits & 8 != 0 { return source.loadUnaligned(as: UInt64.self) }
    var (word, byte) = (UInt64(0), 0)
    if bits & 4 != 0 {
      word = UInt64(source.loadUnaligned(as: UInt32.self))
      byte = 4
    }
    if bits & 2 != 0 {
      let part = UInt64(source.loadUnaligned(fromByteOffset: byte, as: UInt16.self))
      word |= part &<< UInt64(byte &* 8)
      byte &+= 2
    }
    if bits & 1 != 0 {
      let part = UInt64(source.load(fromByteOffset: byte, as: UInt8.self))
      word |= part &<< UInt64(byte &* 8)
    }
    return word
  }

  /// Writes `bits` bytes and no more.
  @inline(__always)
  func store(_ stream: UInt64, to target: UnsafeMutableRawPointer) {
    if bits & 8 != 0 { return target.storeBytes(of: stream, as: UInt64.self) }
    var (word, byte) = (stream, 0)
    if bits & 4 != 0 {
      target.storeBytes(of: UInt32(truncatingIfNeeded: word), as: UInt32.self)
      word &>>= 32
      byte = 4
    }
    if bits & 2 != 0 {
      target.storeBytes(of: UInt16(truncatingIfNeeded: word), toByteOffset: byte, as: UInt16.self)
      word &>>= 16
      byte &+= 2
    }
    if bits & 1 != 0 {
      target.storeBytes(of: UInt8(truncatingIfNeeded: word), toByteOffset: byte, as: UInt8.self)
    }
  }
}
