internal import Checkpoints

/// A message of Protocol Buffers, field by field: the wire types that event files need.
///
/// https://protobuf.dev/programming-guides/encoding
struct ProtobufMessage {
  private(set) var bytes: [UInt8] = []

  mutating func add(_ field: Int, double value: Double) {
    addKey(field, type: 1)
    bytes.append(littleEndian: value.bitPattern)
  }

  mutating func add(_ field: Int, float value: Float) {
    addKey(field, type: 5)
    bytes.append(littleEndian: value.bitPattern)
  }

  /// Of int64 and enumerations; not negative.
  mutating func add(_ field: Int, number: Int) {
    addKey(field, type: 0)
    add(varint: UInt64(number))
  }

  mutating func add(_ field: Int, text: String) { add(field, content: Array(text.utf8)) }

  mutating func add(_ field: Int, _ message: ProtobufMessage) {
    add(field, content: message.bytes)
  }

  private mutating func add(_ field: Int, content: [UInt8]) {
    addKey(field, type: 2)
    add(varint: UInt64(content.count))
    bytes += content
  }

  private mutating func addKey(_ field: Int, type: Int) { add(varint: UInt64(field << 3 | type)) }

  /// Seven bits a byte, the lowest first; the top bit says that more follow.
  private mutating func add(varint value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7F | 0x80))
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}
