internal import CCrypto

/// A SHA-256 digest taken piece by piece (FIPS 180-4, by OpenSSL's libcrypto).
package struct SHA256: ~Copyable {
  private let context: OpaquePointer

  package init() {
    guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
      preconditionFailure("libcrypto has no SHA-256, or no memory is left")
    }
    self.context = context
  }

  deinit { EVP_MD_CTX_free(context) }

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    let result = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
    precondition(result == 1, "libcrypto failed to digest \(bytes.count) bytes")
  }

  /// The 64 hexadecimal digits, lower case.
  package consuming func hexDigest() -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    let result = EVP_DigestFinal_ex(context, &digest, nil)
    precondition(result == 1, "libcrypto failed to finish a digest")
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  package static func hexDigest(of bytes: UnsafeRawBufferPointer) -> String {
    var hash = SHA256()
    hash.update(bytes)
    return hash.hexDigest()
  }

  package static func hexDigest(of bytes: [UInt8]) -> String {
    bytes.withUnsafeBytes { hexDigest(of: $0) }
  }

  package static func hexDigest(ofFile path: String) throws(CheckpointError) -> String {
    let file = try OpenFile(path, .reading)
    var hash = SHA256()
    while true {
      let piece = try file.read(atMost: 1 << 20)
      if piece.isEmpty { return hash.hexDigest() }
      piece.withUnsafeBytes { hash.update($0) }
    }
  }
}
