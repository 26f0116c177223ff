internal import Checkpoints
internal import JSONText

@testable internal import Collectives
@testable internal import Datasets
@testable internal import DecoderModel
@testable internal import Training

extension FuzzTarget {
  private static let folder = ScratchFolder()

  /// The input is a cache without its last 64 bytes, the digest, which is added: behind a wrong digest
  /// nothing would be read.
  static let tokenCache = FuzzTarget(
    name: "token-cache", maximumSize: 2048, seeds: { [try exampleCache()] },
    read: { bytes in
      let digest = SHA256.hexDigest(of: bytes)
      let cache = try TokenCache(path: folder.put("cache", bytes + Array(digest.utf8)), key: nil)
      var (tokens, targets) = ([Int32](), [Int32]())
      for sample in 0..<cache.sampleCount {
        cache.append(sample, tokens: &tokens, targets: &targets)
        _ = (cache.supervisedCount(of: sample), cache.origin(of: sample))
      }
      require(tokens.count == cache.wordCount && targets.count == tokens.count, "words are lost")
    })

  private static func exampleCache() throws -> [UInt8] {
    let path = folder("example-cache")
    var writer = try TokenCacheWriter(path: path, key: String(repeating: "a", count: 64))
    for sample in 1...3 {
      let mask = (0..<(2 * sample)).map { $0 > sample }
      try writer.append(
        mask.indices.map { Int32($0) }, supervised: mask, file: 0, place: RecordPlace(packed: 7))
    }
    var counts = DatasetCounts()
    counts.sources = [DatasetCounts.Source(type: .chat)]
    try writer.finish(counts)
    return try Fixture.bytes(atPath: path).dropLast(64)
  }

  /// A datagram that is read is the same after it has been written and read again.
  static let datagram = FuzzTarget(
    name: "datagram", maximumSize: 512,
    seeds: {
      Datagram.Kind.allCases.map { Datagram($0, run: 1, rank: 2, 3, -4, 5, text: "backward").bytes }
    },
    read: { bytes in
      guard let datagram = Datagram(bytes) else { return }
      let again = datagram.bytes.withUnsafeBytes { Datagram($0) }
      require(again == datagram, "no round trip")
    })
}
