internal import Checkpoints

/// A digest of data files that is made in milliseconds: ranks compare it before they prepare data.
///
/// It holds the kind and size of every file and a sample of its bytes, so it tells other files,
/// other versions of a file and files that grew apart. What it cannot tell, the digest of the
/// prepared tokens tells later.
package enum DataSample {
  private static let block = 1 << 16
  /// Blocks of a file that are read at most, evenly spread, the first and the last among them.
  private static let blocks = 16

  /// In hexadecimal. Throws where a file is missing or cannot be read.
  package static func digest(of sources: [DatasetSource]) throws -> String {
    var hash = SHA256()
    for source in sources {
      let files = try source.files().map { try SourceFile(path: $0) }
      add("\(files.count) files\n", to: &hash)
      for file in files {
        add("\(file.pathExtension) \(file.file.bytes.count)\n", to: &hash)
        add(file.file.bytes, to: &hash)
      }
    }
    return hash.hexDigest()
  }

  private static func add(_ text: String, to hash: inout SHA256) {
    Array(text.utf8).withUnsafeBytes { hash.update($0) }
  }

  private static func add(_ bytes: UnsafeRawBufferPointer, to hash: inout SHA256) {
    let last = max(0, (bytes.count - 1) / block)
    let count = min(blocks, last + 1)
    for index in 0..<count {
      let start = (count == 1 ? 0 : index * last / (count - 1)) * block
      let end = min(bytes.count, start + block)
      hash.update(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
    }
  }
}
