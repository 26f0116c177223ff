package import Checkpoints
internal import JSONText

/// Writes a token cache front to back: samples go to the file as they come, only the index is kept.
/// The file appears under its name at `finish`; without it nothing is left behind. A file of that
/// name is never replaced, because others may have mapped it: then `CheckpointError.exists`, or
/// `.system` with EEXIST, is thrown.
package struct TokenCacheWriter: ~Copyable {
  private var file: DigestedFile
  private var index: [UInt8] = []
  private var words: UInt64 = 0
  private var samples: UInt64 = 0

  package init(path: String, key: String) throws(CheckpointError) {
    precondition(key.utf8.count == 64, "a cache key is a SHA-256 in hexadecimal")
    let header = TokenCache.magic + TokenCache.formatVersion.littleEndianBytes + Array(key.utf8)
    file = try DigestedFile(path: path, size: 0, header: header)
  }

  /// Appends a sample of at least one token; ids are not negative.
  package mutating func append(
    _ tokens: [Int32], supervised: [Bool], file source: Int, location: RecordLocation
  ) throws(CheckpointError) {
    precondition(!tokens.isEmpty && tokens.count == supervised.count, "one mask bit per token")
    var buffer: [UInt8] = []
    buffer.reserveCapacity(4 * tokens.count)
    for (id, counts) in zip(tokens, supervised) {
      precondition(id >= 0, "token ids are not negative")
      let word = UInt32(bitPattern: id) | (counts ? TokenCache.supervisedBit : 0)
      buffer.append(littleEndian: word)
    }
    try file.append(buffer)
    words += UInt64(tokens.count)
    samples += 1
    index += words.littleEndianBytes + UInt32(source).littleEndianBytes
    index.append(littleEndian: UInt32(supervised.count { $0 }))
    index.append(littleEndian: location.packed)
  }

  package consuming func finish(_ counts: DatasetCounts) throws(CheckpointError) {
    let summary = Array(counts.json.text().utf8)
    try file.append(index)
    try file.append(summary)
    try file.append([words, samples, UInt64(summary.count)].flatMap(\.littleEndianBytes))
    try file.finish()
  }
}

extension RecordLocation {
  /// As one word: kind in the two lowest bits.
  var packed: UInt64 { UInt64(number) << 2 | UInt64(kind.rawValue) }

  package init(packed: UInt64) {
    self.init(
      kind: Kind(rawValue: UInt8(packed & 3)) ?? .element, number: Int(packed >> 2))
  }
}
