internal import Checkpoints

/// Notices that the file of a base is changed while a run uses it.
///
/// The base is mapped, so a program that writes into the file in place (`rsync --inplace`, `cp`
/// over it) changes what is trained. Each check compares size and times of the mapped file with
/// those at the last check, and the digest of a fixed sample of its bytes with that at the start.
/// Where times differ, the whole file is read and compared with the digest that names the base:
/// `touch`, `chmod` and hard links change times and nothing else.
package final class BaseWatch {
  /// Bytes that are hashed together, and the most blocks of a sample: 64 MiB.
  private static let block = 1 << 16
  private static let limit = 1 << 10
  /// One block in so many is in the sample.
  private static let stride = 64

  private let base: QuantizedBase
  private var status: MappedFile.Status
  private let sample: String

  /// Reads the sample: at most a sixty-fourth of the base, and one block at least.
  package init(_ base: QuantizedBase) throws {
    self.base = base
    status = try base.mapping.status()
    sample = Self.sample(of: base)
  }

  /// Throws a `ModelFileError` (65) where the file no longer holds what it held.
  package func check() throws {
    let now = try base.mapping.status()
    guard now.size == status.size else { throw changed }
    if now != status {
      try base.verifyDigest()
      status = now
    }
    guard Self.sample(of: base) == sample else { throw changed }
  }

  private var changed: ModelFileError {
    .digest(
      path: base.file.path,
      detail: "the base was changed while the run used it. Nothing is saved after it, and the last "
        + "checkpoint was saved before the change was there. Copy the base again, and start the run "
        + "again: it goes on from that checkpoint.")
  }

  private static func sample(of base: QuantizedBase) -> String {
    let bytes = base.mapping.bytes
    let blocks = (bytes.count + block - 1) / block
    let step = max(stride, (blocks + limit - 1) / limit)
    var hash = SHA256()
    for index in Swift.stride(from: 0, to: blocks, by: step) {
      let range = index * block..<min(bytes.count, (index + 1) * block)
      hash.update(UnsafeRawBufferPointer(rebasing: bytes[range]))
    }
    return hash.hexDigest()
  }
}
