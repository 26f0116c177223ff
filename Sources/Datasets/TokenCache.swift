internal import Checkpoints
internal import JSONText

/// Tokenized samples in one memory-mapped file. All integers are little-endian.
///
///     header   magic "PEQATOKN", u64 format version, key (64 hexadecimal digits)
///     words    u32 per token: id in bits 0-30; bit 31 set where the token counts in the loss
///     index    24 bytes per sample: u64 end (in words), u32 file, u32 supervised, u64 location
///     summary  JSON, UTF-8
///     footer   u64 words, u64 samples, u64 summary bytes, SHA-256 of all before it (64 digits)
///
/// The mask bit belongs to a position, never to an id: the same id may count here and not there.
/// The first token of a sample never has it, as nothing predicts it.
package final class TokenCache: Sendable {
  static let magic = Array("PEQATOKN".utf8)
  static let formatVersion: UInt64 = 1
  static let headerSize = 80
  static let entrySize = 24
  static let footerSize = 88
  static let supervisedBit: UInt32 = 1 << 31

  package let path: String
  package let sampleCount: Int
  package let wordCount: Int
  /// What the build counted.
  package let counts: DatasetCounts
  /// SHA-256 of the content, as the file itself names it.
  package let digest: String
  private let file: MappedFile
  private let indexStart: Int

  /// Why a cache file is not used.
  package struct Unusable: Error, Equatable {
    var reason: String
    init(_ reason: String) { self.reason = reason }
  }

  /// How far a file is trusted.
  package enum Trust: Equatable {
    /// The whole file is read and its digest compared.
    case nothing
    /// Another process has verified the file of this digest: it only must be that one.
    case digest(String)
  }

  /// Maps and verifies a cache: header, sizes, digest, index.
  ///
  /// `key`, if given, must be the one it was written for.
  package init(path: String, key: String?, trust: Trust = .nothing) throws(Unusable) {
    do throws(CheckpointError) {
      file = try MappedFile(path: path)
    } catch {
      throw Unusable(error.description)
    }
    self.path = path
    let layout = try Self.checkedLayout(file, key: key)
    digest = try Self.checkedDigest(file, trust)
    wordCount = layout.words
    sampleCount = layout.samples
    indexStart = Self.headerSize + 4 * layout.words
    try Self.checkIndex(file, layout, start: indexStart)
    let summaryStart = indexStart + Self.entrySize * layout.samples
    let summary = summaryStart..<(summaryStart + layout.summary)
    guard
      let json = try? JSONValue(parsing: UnsafeRawBufferPointer(rebasing: file.bytes[summary])),
      let counts = DatasetCounts(json)
    else { throw Unusable("its summary cannot be read") }
    self.counts = counts
  }

  private struct Layout {
    var words: Int
    var samples: Int
    var summary: Int
  }

  private static func checkedLayout(
    _ file: MappedFile, key: String?
  ) throws(Unusable) -> Layout {
    let bytes = file.bytes
    guard bytes.count >= headerSize + footerSize else { throw Unusable("it is cut short") }
    guard bytes.starts(with: magic) else { throw Unusable("it is no token cache") }
    let version = integer(bytes, at: 8)
    guard version == formatVersion else { throw Unusable("it has format version \(version)") }
    if let key, !bytes[16..<headerSize].elementsEqual(key.utf8) {
      throw Unusable("it was made from other data or settings")
    }
    let footer = bytes.count - footerSize
    let fields = (0..<3).map { integer(bytes, at: footer + 8 * $0) }
    // Every field is at most the size of a file in memory, so the sum cannot overflow.
    let room = UInt64(footer - headerSize)
    guard fields.allSatisfy({ $0 <= room }),
      4 * fields[0] + UInt64(entrySize) * fields[1] + fields[2] == room
    else { throw Unusable("its sizes do not add up") }
    return Layout(words: Int(fields[0]), samples: Int(fields[1]), summary: Int(fields[2]))
  }

  private static func checkedDigest(
    _ file: MappedFile, _ trust: Trust
  ) throws(Unusable) -> String {
    let end = file.bytes.count - 64
    let digest =
      switch trust {
      case .nothing: SHA256.hexDigest(of: UnsafeRawBufferPointer(rebasing: file.bytes[..<end]))
      case .digest(let digest): digest
      }
    guard file.bytes[end...].elementsEqual(digest.utf8) else {
      throw Unusable("its digest does not match its content")
    }
    return digest
  }

  private static func checkIndex(
    _ file: MappedFile, _ layout: Layout, start: Int
  ) throws(Unusable) {
    var end: UInt64 = 0
    for sample in 0..<layout.samples {
      let next = integer(file.bytes, at: start + entrySize * sample)
      guard next > end, next <= UInt64(layout.words) else { throw Unusable("its index is broken") }
      end = next
    }
    guard end == UInt64(layout.words) else { throw Unusable("its index is broken") }
  }

  private static func integer(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt64 {
    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }
}

extension TokenCache {
  /// Words of a sample.
  package func range(of sample: Int) -> Range<Int> {
    precondition((0..<sampleCount).contains(sample), "sample outside the cache")
    let start = sample == 0 ? 0 : end(of: sample - 1)
    return start..<end(of: sample)
  }

  /// Tokens of a sample that count in the loss.
  package func supervisedCount(of sample: Int) -> Int { Int(entry(sample, 12, UInt32.self)) }

  /// The file a sample came from (index in the order of the build) and its location there.
  package func origin(of sample: Int) -> (file: Int, location: RecordLocation) {
    (Int(entry(sample, 8, UInt32.self)), RecordLocation(packed: entry(sample, 16, UInt64.self)))
  }

  /// Appends a sample's ids and targets.
  package func append(_ sample: Int, tokens: inout [Int32], targets: inout [Int32]) {
    let range = range(of: sample)
    withExtendedLifetime(file) {
      var previous = false
      for word in range {
        let offset = Self.headerSize + 4 * word
        let value = UInt32(
          littleEndian: file.bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        let id = Int32(bitPattern: value & ~Self.supervisedBit)
        if previous { targets.append(value & Self.supervisedBit == 0 ? -1 : id) }
        previous = true
        tokens.append(id)
      }
      targets.append(-1)
    }
  }

  /// Refuses what no build writes, although the digest of the file is right: somebody else made it.
  ///
  /// - Throws: `DatasetError.malformed`.
  func requirePlausibleSamples(maximumLength: Int) throws(DatasetError) {
    func refuse(_ reason: String) -> DatasetError {
      .malformed(
        location: path, reason: "\(reason). No build writes this. Remove the file; it is made anew."
      )
    }
    guard sampleCount <= Int(Int32.max) else {
      throw refuse("\(sampleCount) samples, of at most \(Int32.max)")
    }
    guard counts.samples == sampleCount, counts.tokens == wordCount else {
      throw refuse("its summary counts \(counts.samples) samples of \(counts.tokens) tokens")
    }
    for sample in 0..<sampleCount {
      let length = range(of: sample).count
      guard length <= maximumLength else {
        throw refuse("sample \(sample) has \(length) tokens, max_seq_length is \(maximumLength)")
      }
      guard supervisedCount(of: sample) < length else {
        throw refuse("sample \(sample) has more tokens in the loss than follow its first")
      }
    }
  }

  private func end(of sample: Int) -> Int { Int(entry(sample, 0, UInt64.self)) }

  private func entry<T: FixedWidthInteger & BitwiseCopyable>(
    _ sample: Int, _ field: Int, _ type: T.Type
  ) -> T {
    precondition((0..<sampleCount).contains(sample), "sample outside the cache")
    let offset = indexStart + Self.entrySize * sample + field
    return withExtendedLifetime(file) {
      T(littleEndian: file.bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
    }
  }
}
