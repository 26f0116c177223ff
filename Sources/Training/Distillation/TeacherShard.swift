internal import Checkpoints
package import DecoderModel

/// One file of a teacher's cache, mapped. All integers are little-endian.
///
///     header   magic "PEQATEAC", u64 format version, key (64 hexadecimal digits), u64 shard,
///              u64 sequences
///     index    16 bytes per sequence: u64 number in the data set, u64 supervised positions
///     records  one after the other, see `TeacherRecord`
///     footer   SHA-256 of all before it (64 hexadecimal digits)
package final class TeacherShard {
  static let magic = Array("PEQATEAC".utf8)
  static let formatVersion: UInt64 = 1
  static let headerSize = 96
  static let entrySize = 16
  static let footerSize = 64

  /// SHA-256 of the content.
  package let digest: String
  private let file: MappedFile
  private let record: TeacherRecord
  /// Where the record of each sequence lies, and its positions.
  private var places: [(offset: Int, positions: Int)] = []

  /// Why a file is not used.
  package struct Unusable: Error, Equatable {
    package var reason: String
    init(_ reason: String) { self.reason = reason }
  }

  /// Maps a file, reads all of it and compares its digest.
  ///
  /// - Parameter sequences: what it must hold.
  package init(
    path: String, key: String, shard: Int, sequences: [Int], record: TeacherRecord
  ) throws(Unusable) {
    do throws(CheckpointError) {
      file = try MappedFile(path: path)
    } catch {
      throw Unusable(error.description)
    }
    self.record = record
    let bytes = file.bytes
    try Self.checkHeader(bytes, key: key, shard: shard, sequences: sequences.count)
    let end = bytes.count - Self.footerSize
    digest = SHA256.hexDigest(of: UnsafeRawBufferPointer(rebasing: bytes[..<end]))
    guard bytes[end...].elementsEqual(digest.utf8) else {
      throw Unusable("its digest does not match its content")
    }
    try readIndex(sequences, end: end)
  }

  private static func checkHeader(
    _ bytes: UnsafeRawBufferPointer, key: String, shard: Int, sequences: Int
  ) throws(Unusable) {
    guard bytes.count >= headerSize + footerSize else { throw Unusable("it is cut short") }
    guard bytes.starts(with: magic) else { throw Unusable("it is no file of a teacher") }
    let version = integer(bytes, at: 8)
    guard version == formatVersion else { throw Unusable("it has format version \(version)") }
    guard bytes[16..<80].elementsEqual(key.utf8), integer(bytes, at: 80) == UInt64(shard) else {
      throw Unusable("it was made by another teacher, or of other data or settings")
    }
    guard integer(bytes, at: 88) == UInt64(sequences),
      (bytes.count - headerSize - footerSize) / entrySize >= sequences
    else { throw Unusable("it does not hold \(sequences) sequences") }
  }

  private func readIndex(_ sequences: [Int], end: Int) throws(Unusable) {
    var offset = Self.headerSize + Self.entrySize * sequences.count
    places.reserveCapacity(sequences.count)
    for (index, sequence) in sequences.enumerated() {
      let entry = Self.headerSize + Self.entrySize * index
      let positions = Self.integer(file.bytes, at: entry + 8)
      guard Self.integer(file.bytes, at: entry) == UInt64(sequence) else {
        throw Unusable("it holds other sequences")
      }
      // At most as many as there is room for, so that nothing overflows.
      guard positions <= UInt64((end - offset) / record.bytesPerPosition) else {
        throw Unusable("its sizes do not add up")
      }
      places.append((offset, Int(positions)))
      offset += Int(positions) * record.bytesPerPosition
    }
    guard offset == end else { throw Unusable("its sizes do not add up") }
  }

  /// What the teacher says of the sequence at `index` of the file.
  package func targets(at index: Int) -> TeacherTargets {
    let (offset, positions) = places[index]
    return withExtendedLifetime(file) {
      let end = offset + positions * record.bytesPerPosition
      return record.targets(
        UnsafeRawBufferPointer(rebasing: file.bytes[offset..<end]), positions: positions)
    }
  }

  private static func integer(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt64 {
    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }
}

/// Writes one file of a teacher's cache front to back. It appears under its name at `finish`.
struct TeacherShardWriter: ~Copyable {
  private var file: DigestedFile
  private let record: TeacherRecord

  /// - Parameter sequences: number in the data set and supervised positions of each, in order.
  /// - Throws: `CheckpointError.exists` where a file of that name is there: it may be mapped.
  init(
    path: String, key: String, shard: Int, sequences: [(number: Int, positions: Int)],
    record: TeacherRecord
  ) throws(CheckpointError) {
    precondition(key.utf8.count == 64, "a cache key is a SHA-256 in hexadecimal")
    let positions = sequences.reduce(0) { $0 + $1.positions }
    let size =
      TeacherShard.headerSize + TeacherShard.entrySize * sequences.count
      + positions * record.bytesPerPosition + TeacherShard.footerSize
    var head = TeacherShard.magic + Self.bytes(Int(TeacherShard.formatVersion)) + Array(key.utf8)
    head += Self.bytes(shard) + Self.bytes(sequences.count)
    for sequence in sequences {
      head += Self.bytes(sequence.number) + Self.bytes(sequence.positions)
    }
    file = try DigestedFile(path: path, size: size, header: head)
    self.record = record
  }

  /// The record of the next sequence.
  mutating func append(_ targets: TeacherTargets) throws(CheckpointError) {
    for part in record.bytes(targets) { try file.append(part) }
  }

  consuming func finish() throws(CheckpointError) { try file.finish() }

  private static func bytes(_ value: Int) -> [UInt8] {
    UInt64(value).littleEndianBytes
  }
}
