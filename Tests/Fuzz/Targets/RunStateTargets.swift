internal import Checkpoints
internal import Collectives
internal import Datasets
internal import DecoderModel
internal import JSONText
internal import Training

extension FuzzTarget {
  private static let folder = ScratchFolder()

  /// The input is a cache without its last 64 bytes, the digest, which is added: behind a wrong
  /// digest nothing would be read.
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
        mask.indices.map { Int32($0) }, supervised: mask, file: 0,
        location: RecordLocation(packed: 7))
    }
    var counts = DatasetCounts()
    counts.sources = [DatasetCounts.Source(type: .chat)]
    try writer.finish(counts)
    return try Fixture.bytes(atPath: path).dropLast(64)
  }

  /// The key that the searched datagrams are sealed with.
  private static let key = DatagramKey(run: 1, secret: (2, 3))

  /// The input is a datagram without its code, which is added: behind a wrong code nothing would be
  /// read. What is read is the same after it has been written and read again, and a rank that hears
  /// it does not fail.
  static let datagram = FuzzTarget(
    name: "datagram", maximumSize: 512,
    seeds: {
      Datagram.Kind.allCases.map {
        let datagram = Datagram($0, from: 2, to: 1, sequence: 7, 3, -4, 5, text: "backward")
        return Array(datagram.sealed(with: key).dropLast(DatagramKey.sealSize))
      }
    },
    read: { bytes in
      var sealed = Array(bytes)
      key.seal(&sealed)
      guard let datagram = opened(sealed) else { return }
      // The first writing may shorten a text that was no UTF-8.
      guard let again = opened(datagram.sealed(with: key)) else {
        return require(false, "what was written is not read")
      }
      require(opened(again.sealed(with: key)) == again, "no round trip")
      let here = Endpoint(hostName: "", port: 1, addresses: [1])
      var table = PeerTable(rank: 1, endpoints: [here, here, here], now: 0)
      let address = DatagramAddress(address: 1, port: 1)
      if table.hears(datagram, from: address, now: 1) {
        require(!table.hears(datagram, from: address, now: 2), "a replay is heard")
      }
    })

  private static func opened(_ bytes: [UInt8]) -> Datagram? {
    bytes.withUnsafeBytes { Datagram(opening: $0, with: key) }
  }
}
