/// What ranks tell each other beside MPI, in one datagram each.
///
/// Little-endian: magic, kind, run (a random number: datagrams of other runs are dropped), rank, then
/// four numbers and a text of at most 255 bytes. A datagram that breaks the form is dropped.
package struct Datagram: Equatable {
  package enum Kind: UInt8, CaseIterable, Sendable {
    /// "I am alive": collectives begun, progress marks, microseconds of CPU time; the phase.
    case pulse
    /// "What is my part number b of round a?"
    case request
    /// "Your part number b of round a is c."
    case grant
  }

  package var kind: Kind
  package var run: UInt64
  package var rank: Int
  package var numbers: (Int64, Int64, Int64)
  package var text = ""

  static let magic: UInt32 = 0x5051_4842
  static let headSize = 4 + 1 + 8 + 4 + 24 + 1
  static let maximumSize = headSize + 255

  package static func == (a: Self, b: Self) -> Bool { a.bytes == b.bytes }

  package var bytes: [UInt8] {
    var bytes: [UInt8] = []
    func put(_ value: some FixedWidthInteger) {
      withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
    put(Self.magic)
    put(kind.rawValue)
    put(run)
    put(UInt32(truncatingIfNeeded: rank))
    for number in [numbers.0, numbers.1, numbers.2] { put(number) }
    let text = Array(text.utf8.prefix(255))
    put(UInt8(text.count))
    return bytes + text
  }

  package init(
    _ kind: Kind, run: UInt64, rank: Int, _ a: Int64, _ b: Int64, _ c: Int64, text: String = ""
  ) {
    (self.kind, self.run, self.rank, numbers, self.text) = (kind, run, rank, (a, b, c), text)
  }

  package init?(_ bytes: UnsafeRawBufferPointer) {
    var place = 0
    func take<Value: FixedWidthInteger>(_: Value.Type) -> Value {
      defer { place += MemoryLayout<Value>.size }
      return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: Value.self))
    }
    guard bytes.count >= Self.headSize, take(UInt32.self) == Self.magic,
      let kind = Kind(rawValue: take(UInt8.self))
    else { return nil }
    self.kind = kind
    run = take(UInt64.self)
    rank = Int(take(UInt32.self))
    numbers = (take(Int64.self), take(Int64.self), take(Int64.self))
    let length = Int(take(UInt8.self))
    guard bytes.count == Self.headSize + length else { return nil }
    text = String(decoding: bytes[Self.headSize...], as: UTF8.self)
  }
}
