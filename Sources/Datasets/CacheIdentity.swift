/// Tells a token cache from all others: the digest of what it was made from, and that of its
/// content.
///
/// Ranks send it to each other, so that only one of them need read the data files.
package struct CacheIdentity: Sendable, Equatable {
  /// SHA-256 of data files, tokenizer, template and settings, 64 hexadecimal digits.
  package let key: String
  /// SHA-256 of the cache file, 64 hexadecimal digits.
  package let digest: String

  init(key: String, digest: String) {
    precondition(key.utf8.count == 64 && digest.utf8.count == 64, "SHA-256 in hexadecimal")
    (self.key, self.digest) = (key, digest)
  }

  package var bytes: [UInt8] { Array((key + digest).utf8) }

  /// Nil where the bytes are not two digests.
  package init?(bytes: [UInt8]) {
    guard bytes.count == 128,
      bytes.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
    else { return nil }
    key = String(decoding: bytes[..<64], as: UTF8.self)
    digest = String(decoding: bytes[64...], as: UTF8.self)
  }
}
