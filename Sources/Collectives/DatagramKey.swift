/// What makes a datagram one of this run: a number that names the run, and a secret of 128 bits.
///
/// Rank 0 makes it and all ranks get it over MPI, so whoever can only send to the port of a rank,
/// or read what passes on the network of the datagrams, cannot make one that a rank would believe.
/// Whoever can read MPI's own connections can: they are not encrypted either.
package struct DatagramKey: Sendable, Equatable {
  /// Stands in clear text in every datagram: those of other runs are dropped without further work.
  package let run: UInt64
  private let first: UInt64
  private let second: UInt64

  static let byteCount = 24

  /// A new key, from the system's random numbers.
  package init() {
    var random = SystemRandomNumberGenerator()
    (run, first, second) = (random.next(), random.next(), random.next())
  }

  /// A key that is known: for programs that try what a holder of the key could send.
  package init(run: UInt64, secret: (UInt64, UInt64)) {
    (self.run, first, second) = (run, secret.0, secret.1)
  }

  /// Nil unless there are `byteCount` bytes.
  init?(bytes: [UInt8]) {
    guard bytes.count == Self.byteCount else { return nil }
    let words = bytes.withUnsafeBytes { raw in
      (0..<3).map {
        UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self))
      }
    }
    (run, first, second) = (words[0], words[1], words[2])
  }

  var bytes: [UInt8] {
    [run, first, second].flatMap { word in withUnsafeBytes(of: word.littleEndian) { Array($0) } }
  }

  /// Bytes that `seal` adds.
  package static let sealSize = 16

  /// Adds the message authentication code of all bytes that are there.
  package func seal(_ bytes: inout [UInt8]) {
    let code = bytes.withUnsafeBytes { SipHash(key: (first, second)).hash($0) }
    for word in [code.0, code.1] {
      withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
    }
  }

  /// Whether the last 16 bytes are the code of those before them. The time that this takes does not
  /// tell how many of them were right.
  func isSealed(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let length = bytes.count - Self.sealSize
    guard length >= 0 else { return false }
    let code = SipHash(key: (first, second)).hash(
      UnsafeRawBufferPointer(rebasing: bytes[..<length]))
    func word(_ offset: Int) -> UInt64 {
      UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
    return (word(length) ^ code.0) | (word(length + 8) ^ code.1) == 0
  }
}
