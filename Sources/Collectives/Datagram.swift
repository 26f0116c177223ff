/// What ranks tell each other beside MPI, in one datagram each.
///
/// Little-endian: magic, kind, run, sender, recipient, sequence number, three numbers, the length
/// of a text of at most 255 bytes, the text; then the authentication code of all that
/// (`DatagramKey`). A datagram that breaks the form, is of another run or has another code is
/// dropped.
package struct Datagram: Equatable, Sendable {
  package enum Kind: UInt8, CaseIterable, Sendable {
    /// "I am alive": collectives begun, progress marks, microseconds of CPU time; the phase.
    case pulse
    /// "What is my claim number b of round a?" To rank 0.
    case request
    /// "Your claim number b of round a is slot c." From rank 0.
    case assignment
  }

  package var kind: Kind
  package var sender: Int
  /// Nil: all ranks.
  package var recipient: Int?
  /// Rises with every datagram of a sender: one that comes a second time is known by it.
  package var sequence: UInt64
  package var numbers: (Int64, Int64, Int64)
  package var text = ""

  private static let magic: UInt32 = 0x5051_4843
  private static let everyone = UInt32.max
  private static let headSize = 4 + 1 + 8 + 4 + 4 + 8 + 24 + 1
  static let maximumSize = headSize + 255 + DatagramKey.sealSize

  package init(
    _ kind: Kind, from sender: Int, to recipient: Int? = nil, sequence: UInt64,
    _ a: Int64, _ b: Int64, _ c: Int64, text: String = ""
  ) {
    (self.kind, self.sender, self.recipient) = (kind, sender, recipient)
    (self.sequence, numbers, self.text) = (sequence, (a, b, c), text)
  }

  package static func == (a: Self, b: Self) -> Bool {
    (a.kind, a.sender, a.sequence, a.text) == (b.kind, b.sender, b.sequence, b.text)
      && a.numbers == b.numbers && a.recipient == b.recipient
  }

  /// The bytes to send.
  package func sealed(with key: DatagramKey) -> [UInt8] {
    var bytes: [UInt8] = []
    func put(_ value: some FixedWidthInteger) {
      withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
    put(Self.magic)
    put(kind.rawValue)
    put(key.run)
    put(UInt32(truncatingIfNeeded: sender))
    put(recipient.map { UInt32(truncatingIfNeeded: $0) } ?? Self.everyone)
    put(sequence)
    for number in [numbers.0, numbers.1, numbers.2] { put(number) }
    let text = Array(text.utf8.prefix(255))
    put(UInt8(text.count))
    bytes += text
    key.seal(&bytes)
    return bytes
  }

  /// Nil for whatever did not come from a holder of `key` as it stands.
  package init?(opening bytes: UnsafeRawBufferPointer, with key: DatagramKey) {
    var offset = 0
    func take<Value: FixedWidthInteger>(_: Value.Type) -> Value {
      defer { offset += MemoryLayout<Value>.size }
      return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
    }
    guard bytes.count >= Self.headSize + DatagramKey.sealSize, take(UInt32.self) == Self.magic,
      let kind = Kind(rawValue: take(UInt8.self)), take(UInt64.self) == key.run
    else { return nil }
    self.kind = kind
    sender = Int(take(UInt32.self))
    let recipient = take(UInt32.self)
    self.recipient = recipient == Self.everyone ? nil : Int(recipient)
    sequence = take(UInt64.self)
    numbers = (take(Int64.self), take(Int64.self), take(Int64.self))
    let length = Int(take(UInt8.self))
    guard bytes.count == Self.headSize + length + DatagramKey.sealSize, key.isSealed(bytes) else {
      return nil
    }
    text = String(decoding: bytes[Self.headSize..<Self.headSize + length], as: UTF8.self)
  }
}
