/// The printable stand-ins that byte-level vocabularies use for the 256 byte values.
///
/// Bytes that are printable in Latin-1 stand for themselves, the other 68 for U+0100 onwards, in
/// order (`bytes_to_unicode` of GPT-2). Only files contain stand-ins: vocabularies are turned into
/// raw bytes on reading, so texts need no translation.
enum ByteLevelAlphabet {
  private static let standIns: [UInt32: UInt8] = {
    var next: UInt32 = 0x100
    var map: [UInt32: UInt8] = [:]
    for byte in UInt8.min...UInt8.max {
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: map[UInt32(byte)] = byte
      default:
        map[next] = byte
        next += 1
      }
    }
    return map
  }()

  /// The bytes that a vocabulary entry stands for; nil where a character is no stand-in, as in an
  /// added token that contains a space.
  static func bytes(of entry: [UInt8]) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(entry.count)
    var index = 0
    while index < entry.count {
      let (scalar, length) = entry.scalar(at: index)
      guard let byte = standIns[scalar.value] else { return nil }
      bytes.append(byte)
      index += length
    }
    return bytes
  }
}
