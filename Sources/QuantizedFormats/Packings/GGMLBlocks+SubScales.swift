/// Where the small integers of a super-block's groups stand, and how many bits they have.
enum SubScales {
  /// Q2_K: 16 bytes, scale below and minimum above.
  case nibblePairs(at: Int)
  /// Q3_K: 12 bytes, 16 numbers of six bits that are 32 more than the scale.
  case sixteenOfSixBits(at: Int)
  /// Q4_K, Q5_K: 12 bytes, 8 scales and 8 minima of six bits.
  case twiceEightOfSixBits(at: Int)
  /// Q6_K: signed bytes.
  case sixteenBytes(at: Int)
  /// IQ4_XS: streams of bit pairs and of nibbles below them, together 32 more than the scale.
  case eightOfSixBits(upper: Int, lower: Int)

  private var groups: Int {
    switch self {
    case .nibblePairs, .sixteenOfSixBits, .sixteenBytes: 16
    case .twiceEightOfSixBits, .eightOfSixBits: 8
    }
  }

  /// Writes the scales of `count` blocks, `stride` bytes apart, one behind the other.
  ///
  /// The minima too, where the type has some.
  func unpack(
    _ source: UnsafeRawPointer, count: Int, stride: Int,
    scales: UnsafeMutableRawPointer?, minima: UnsafeMutableRawPointer?
  ) {
    let groups = groups
    for block in 0..<count {
      let numbers = read(source + block &* stride)
      numbers.scales.store(groups, to: scales, byte: block &* groups)
      numbers.minima.store(groups, to: minima, byte: block &* groups)
    }
  }

  /// The inverse, into zero bytes; false where a number has too many bits.
  func pack(
    scales: UnsafeRawPointer?, minima: UnsafeRawPointer?, count: Int, stride: Int,
    into target: UnsafeMutableRawPointer
  ) -> Bool {
    let groups = groups
    var fits = true
    for block in 0..<count {
      let numbers = GroupIntegers(
        scales: SixteenBytes(groups, from: scales, byte: block &* groups),
        minima: SixteenBytes(groups, from: minima, byte: block &* groups))
      write(numbers, to: target + block &* stride)
      // What does not fit does not come back.
      fits = fits && read(target + block &* stride) == numbers
    }
    return fits
  }
}

/// The integers of a super-block's groups.
private struct GroupIntegers: Equatable {
  var scales = SixteenBytes()
  var minima = SixteenBytes()
}

/// Numbers of the groups 0..<8 and 8..<16, each a byte of a word; 0 where there is no such group.
private struct SixteenBytes: Equatable {
  var first: UInt64 = 0
  var second: UInt64 = 0

  init(_ first: UInt64 = 0, _ second: UInt64 = 0) { (self.first, self.second) = (first, second) }

  @inline(__always)
  init(_ groups: Int, from source: UnsafeRawPointer?, byte: Int) {
    guard let source else { return }
    first = source.loadUnaligned(fromByteOffset: byte, as: UInt64.self)
    if groups == 16 { second = source.loadUnaligned(fromByteOffset: byte &+ 8, as: UInt64.self) }
  }

  @inline(__always)
  func store(_ groups: Int, to target: UnsafeMutableRawPointer?, byte: Int) {
    guard let target else { return }
    target.storeBytes(of: first, toByteOffset: byte, as: UInt64.self)
    if groups == 16 { target.storeBytes(of: second, toByteOffset: byte &+ 8, as: UInt64.self) }
  }
}

// Masks of each byte of a word.
private let pairs: UInt64 = 0x0303_0303_0303_0303
private let nibbles: UInt64 = 0x0F0F_0F0F_0F0F_0F0F
private let sixBits: UInt64 = 0x3F3F_3F3F_3F3F_3F3F
private let sixthBits: UInt64 = 0x2020_2020_2020_2020

/// x - 32 of bytes below 64, as signed bytes: bit 5 turned, and repeated above.
@inline(__always)
private func centred(_ bytes: UInt64) -> UInt64 {
  let turned = bytes ^ sixthBits
  return turned | (turned & sixthBits) &* 6
}

/// The inverse, whatever the upper two bits are.
@inline(__always)
private func uncentred(_ bytes: UInt64) -> UInt64 { bytes & sixBits ^ sixthBits }

extension SubScales {
  @inline(__always)
  private func read(_ block: UnsafeRawPointer) -> GroupIntegers {
    switch self {
    case .nibblePairs(let at):
      let (a, b) = (block.word(at), block.word(at + 8))
      return GroupIntegers(
        scales: SixteenBytes(a & nibbles, b & nibbles),
        minima: SixteenBytes(a &>> 4 & nibbles, b &>> 4 & nibbles))
    case .sixteenOfSixBits(let at):
      let (low, high) = (block.word(at), UInt64(block.half(at + 8)))
      let (first, second) = (high | high &<< 30, high &>> 4 | high &<< 26)
      return GroupIntegers(
        scales: SixteenBytes(
          centred(low & nibbles | (first & pairs) &<< 4),
          centred(low &>> 4 & nibbles | (second & pairs) &<< 4)))
    case .twiceEightOfSixBits(let at):
      let (scales, minima) = (UInt64(block.half(at)), UInt64(block.half(at + 4)))
      let low = UInt64(block.half(at + 8))
      return GroupIntegers(
        scales: SixteenBytes(joined(scales, low: low)),
        minima: SixteenBytes(joined(minima, low: low &>> 4)))
    case .sixteenBytes(let at):
      return GroupIntegers(scales: SixteenBytes(block.word(at), block.word(at + 8)))
    case .eightOfSixBits(let upper, let lower):
      let high = block.loadUnaligned(fromByteOffset: upper, as: UInt16.self)
      let low = EightCodes(bits: 4).spread(UInt64(block.half(lower)))
      return GroupIntegers(
        scales: SixteenBytes(centred(low | EightCodes(bits: 2).spread(UInt64(high)) &<< 4)))
    }
  }

  @inline(__always)
  private func write(_ numbers: GroupIntegers, to block: UnsafeMutableRawPointer) {
    let (scales, minima) = (numbers.scales, numbers.minima)
    switch self {
    case .nibblePairs(let at):
      block.put(scales.first & nibbles | (minima.first & nibbles) &<< 4, at)
      block.put(scales.second & nibbles | (minima.second & nibbles) &<< 4, at + 8)
    case .sixteenOfSixBits(let at):
      let (a, b) = (uncentred(scales.first), uncentred(scales.second))
      block.put(a & nibbles | (b & nibbles) &<< 4, at)
      let (first, second) = (a &>> 4 & pairs, b &>> 4 & pairs)
      block.putHalf(first | first &>> 30 | second &<< 4 | second &>> 26, at + 8)
    case .twiceEightOfSixBits(let at):
      let (a, b) = (scales.first, minima.first)
      block.putHalf(a & sixBits | (a &>> 36 & pairs) &<< 6, at)
      block.putHalf(b & sixBits | (b &>> 36 & pairs) &<< 6, at + 4)
      block.putHalf(a &>> 32 & nibbles | (b &>> 32 & nibbles) &<< 4, at + 8)
    case .sixteenBytes(let at):
      block.put(scales.first, at)
      block.put(scales.second, at + 8)
    case .eightOfSixBits(let upper, let lower):
      let bytes = uncentred(scales.first)
      let high = EightCodes(bits: 2).join(bytes &>> 4 & pairs)
      block.storeBytes(
        of: UInt16(truncatingIfNeeded: high), toByteOffset: upper, as: UInt16.self)
      block.putHalf(EightCodes(bits: 4).join(bytes & nibbles), lower)
    }
  }

  /// Eight numbers of which four bytes hold the first four, and above them the upper pairs of the
  /// others; `low` has the others' nibbles.
  @inline(__always)
  private func joined(_ bytes: UInt64, low: UInt64) -> UInt64 {
    let others = low & nibbles | (bytes &>> 6 & pairs) &<< 4
    return bytes & sixBits | others &<< 32
  }
}

extension UnsafeRawPointer {
  @inline(__always)
  fileprivate func word(_ byte: Int) -> UInt64 {
    loadUnaligned(fromByteOffset: byte, as: UInt64.self)
  }

  /// Of a word.
  @inline(__always)
  fileprivate func half(_ byte: Int) -> UInt32 {
    loadUnaligned(fromByteOffset: byte, as: UInt32.self)
  }
}

extension UnsafeMutableRawPointer {
  @inline(__always)
  fileprivate func put(_ word: UInt64, _ byte: Int) {
    storeBytes(of: word, toByteOffset: byte, as: UInt64.self)
  }

  /// The lower half of a word.
  @inline(__always)
  fileprivate func putHalf(_ word: UInt64, _ byte: Int) {
    storeBytes(of: UInt32(truncatingIfNeeded: word), toByteOffset: byte, as: UInt32.self)
  }
}
