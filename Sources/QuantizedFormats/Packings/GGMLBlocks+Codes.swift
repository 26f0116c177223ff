internal import Checkpoints

/// The codes of one type of block.
///
/// A type of its own for each, so that the compiler makes each a loop of its own with every place
/// and width a constant: two to four times as fast as with numbers out of a table.
protocol BlockCoding {
  static var type: ElementType { get }
  static var fields: CodeFields { get }
  /// Writes the codes of `count` blocks as one bit stream.
  static func unpack(_ blocks: UnsafeRawPointer, count: Int, into codes: UnsafeMutableRawPointer)
  /// The inverse, into zero bytes; false where a code stands for no value of the table.
  static func pack(
    _ codes: UnsafeRawPointer, count: Int, into blocks: UnsafeMutableRawPointer
  ) -> Bool
}

extension BlockCoding {
  static func unpack(_ blocks: UnsafeRawPointer, count: Int, into codes: UnsafeMutableRawPointer) {
    let (fields, eight) = (fields, EightCodes(bits: fields.bits))
    let (blockBytes, words) = (type.blockBytes, type.blockSize / 8)
    var target = codes
    CodeTable.codes.withUnsafeBufferPointer { table in
      for block in 0..<count {
        let start = blocks + block &* blockBytes
        for word in 0..<words {
          eight.store(eight.join(fields.read(start, word, table)), to: target)
          target += fields.bits
        }
      }
    }
  }

  static func pack(
    _ codes: UnsafeRawPointer, count: Int, into blocks: UnsafeMutableRawPointer
  ) -> Bool {
    let (fields, eight) = (fields, EightCodes(bits: fields.bits))
    let (blockBytes, words) = (type.blockBytes, type.blockSize / 8)
    var (source, seen) = (codes, UInt8(0))
    CodeTable.places.withUnsafeBufferPointer { table in
      for block in 0..<count {
        let start = blocks + block &* blockBytes
        for word in 0..<words {
          seen |= fields.write(eight.spread(eight.load(from: source)), start, word, table)
          source += fields.bits
        }
      }
    }
    return seen & CodeTable.none == 0
  }
}

/// Where the codes of a block stand and what they mean: eight at a time, as the bytes of a word.
struct CodeFields {
  /// Of our codes.
  let bits: Int
  private let low: FieldPlanes
  /// Bits above those of `low`.
  private let high: FieldPlanes?
  private let meaning: Meaning

  enum Meaning {
    /// The fields are the codes.
    case plain
    /// Bytes with a sign; the code is 128 more.
    case signed
    /// Places in `iq4Values`; the code is the value and 128.
    case table
  }

  @inline(__always)
  init(_ bits: Int, _ low: FieldPlanes, _ high: FieldPlanes? = nil, meaning: Meaning = .plain) {
    (self.bits, self.low, self.high, self.meaning) = (bits, low, high, meaning)
  }

  /// `table` is `CodeTable.codes`.
  @inline(__always)
  func read(_ block: UnsafeRawPointer, _ word: Int, _ table: UnsafeBufferPointer<UInt8>) -> UInt64 {
    var lanes = low.read(block, word)
    if let high { lanes |= high.read(block, word) &<< low.width }
    return switch meaning {
    case .plain: lanes
    case .signed: lanes ^ EightCodes.signs
    case .table: CodeTable.translate(lanes, table).lanes
    }
  }

  /// `table` is `CodeTable.places`; what of it was used.
  @inline(__always)
  func write(
    _ codes: UInt64, _ block: UnsafeMutableRawPointer, _ word: Int,
    _ table: UnsafeBufferPointer<UInt8>
  ) -> UInt8 {
    let (lanes, seen) =
      switch meaning {
      case .plain: (codes, UInt8(0))
      case .signed: (codes ^ EightCodes.signs, UInt8(0))
      case .table: CodeTable.translate(codes, table)
      }
    low.write(lanes, block, word)
    high?.write(lanes &>> low.width, block, word)
    return seen
  }
}

/// The fields of one width in a block, read and written as the low bits of eight bytes.
///
/// `count` bytes hold `8 / width * count` fields in planes: first the lowest field of every byte,
/// then the next ones. Where these are not all fields of a block, as many bytes follow.
struct FieldPlanes {
  /// Bits a field.
  let width: UInt64
  private let offset: Int
  /// Binary logarithms of the bytes of a plane and of the width.
  private let logBytes: Int
  private let logWidth: Int
  /// Of every lane.
  private let mask: UInt64
  /// Bit i is the field of element i instead.
  private let isStream: Bool

  @inline(__always)
  private init(at offset: Int, bytes: Int, width: Int, isStream: Bool = false) {
    (self.offset, self.width, self.isStream) = (offset, UInt64(width), isStream)
    (logBytes, logWidth) = (bytes.trailingZeroBitCount, width.trailingZeroBitCount)
    mask = (UInt64(1) << UInt64(width) - 1) &* 0x0101_0101_0101_0101
  }

  @inline(__always)
  static func nibbles(at offset: Int, bytes: Int) -> FieldPlanes {
    FieldPlanes(at: offset, bytes: bytes, width: 4)
  }
  @inline(__always)
  static func pairs(at offset: Int) -> FieldPlanes {
    FieldPlanes(at: offset, bytes: 32, width: 2)
  }
  @inline(__always)
  static func bits(at offset: Int) -> FieldPlanes { FieldPlanes(at: offset, bytes: 32, width: 1) }
  @inline(__always)
  static func bytes(at offset: Int) -> FieldPlanes { FieldPlanes(at: offset, bytes: 32, width: 8) }
  @inline(__always)
  static func bitStream(at offset: Int) -> FieldPlanes {
    FieldPlanes(at: offset, bytes: 4, width: 1, isStream: true)
  }

  @inline(__always)
  func read(_ block: UnsafeRawPointer, _ word: Int) -> UInt64 {
    if isStream {
      let byte = block.load(fromByteOffset: offset &+ word, as: UInt8.self)
      return EightCodes(bits: 1).spread(UInt64(byte))
    }
    let (byte, shift) = place(word)
    return block.loadUnaligned(fromByteOffset: byte, as: UInt64.self) &>> shift & mask
  }

  /// Adds the fields to a block; more bits of `lanes` are left out.
  @inline(__always)
  func write(_ lanes: UInt64, _ block: UnsafeMutableRawPointer, _ word: Int) {
    if isStream {
      let byte = UInt8(truncatingIfNeeded: EightCodes(bits: 1).join(lanes & mask))
      block.storeBytes(of: byte, toByteOffset: offset &+ word, as: UInt8.self)
      return
    }
    let (byte, shift) = place(word)
    let old = block.loadUnaligned(fromByteOffset: byte, as: UInt64.self)
    block.storeBytes(of: old | (lanes & mask) &<< shift, toByteOffset: byte, as: UInt64.self)
  }

  /// The byte at which the fields of elements `8 word ..< 8 word + 8` begin, and their lowest bit.
  @inline(__always)
  private func place(_ word: Int) -> (Int, UInt64) {
    let element = word &<< 3
    let plane = element &>> logBytes
    let logPlanes = 3 &- logWidth
    let group = plane &>> logPlanes
    let inside = plane &- group &<< logPlanes
    let byte = offset &+ group &<< logBytes &+ (element &- plane &<< logBytes)
    return (byte, UInt64(truncatingIfNeeded: inside &<< logWidth))
  }
}

/// The codes of `iq4Values`, and the places of the codes in it.
private enum CodeTable {
  /// In `places`, of codes that stand for no value.
  static let none: UInt8 = 0x80

  static let codes = ElementType.iq4Values.map { UInt8(bitPattern: $0) ^ 0x80 }

  static let places: [UInt8] = {
    var places = [UInt8](repeating: none, count: 256)
    for (place, code) in codes.enumerated() { places[Int(code)] = UInt8(place) }
    return places
  }()

  /// The entries of eight bytes, and all bits they have.
  @inline(__always)
  static func translate(
    _ lanes: UInt64, _ table: UnsafeBufferPointer<UInt8>
  ) -> (lanes: UInt64, seen: UInt8) {
    var (word, seen) = (UInt64(0), UInt8(0))
    for lane in 0..<8 {
      let shift = UInt64(truncatingIfNeeded: lane &* 8)
      let entry = table[Int(truncatingIfNeeded: lanes &>> shift & 0xFF)]
      word |= UInt64(entry) &<< shift
      seen |= entry
    }
    return (word, seen)
  }
}
