/// A file that is written front to back and ends with the SHA-256 of all before, in 64 hexadecimal
/// digits. It appears under its name at `finish`; without that nothing is left behind.
package struct DigestedFile: ~Copyable {
  private let file: PendingFile
  private var hash: SHA256

  /// - Parameters:
  ///   - size: with the digest, as far as it is known; else 0.
  ///   - header: what the file begins with.
  /// - Throws: `CheckpointError.exists` where a file of that name is there: it may be mapped.
  package init(path: String, size: Int, header: [UInt8]) throws(CheckpointError) {
    let file = try PendingFile(path: path, size: size, overwrite: false)
    try Self.write(header, to: file)
    self.file = file
    hash = SHA256()
    header.withUnsafeBytes { hash.update($0) }
  }

  package mutating func append(_ bytes: [UInt8]) throws(CheckpointError) {
    bytes.withUnsafeBytes { hash.update($0) }
    try Self.write(bytes, to: file)
  }

  package consuming func finish() throws(CheckpointError) {
    try Self.write(Array(hash.hexDigest().utf8), to: file)
    _ = try file.commit()
  }

  private static func write(_ bytes: [UInt8], to file: PendingFile) throws(CheckpointError) {
    let result = bytes.withUnsafeBytes { buffer in
      Result { () throws(CheckpointError) in try file.write(buffer) }
    }
    try result.get()
  }
}
