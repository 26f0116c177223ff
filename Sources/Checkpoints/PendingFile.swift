internal import Glibc

/// A file that appears under its name only when it is whole.
///
/// Bytes go to a temporary file in the same folder. `commit` makes them durable, gives the file its
/// name in one step and makes the folder durable. A file that is not committed is removed.
package final class PendingFile {
  let path: String
  private let temporary: String
  private let overwrite: Bool
  /// Size of the finished file, for messages; 0 where it is not known.
  private let size: Int
  private var descriptor: Int32
  private var buffer: [UInt8] = []
  private var hash: SHA256?
  private let uncached: Bool
  /// Bytes written since the page cache was last told to forget them.
  private var cached = 0
  private static let forgetting = 256 << 20

  /// Asks for `size` free bytes at once, so that a full disk is found out before the work is done.
  ///
  /// `uncached` drops what is written from the page cache as it goes: for files larger than memory,
  /// which would push everything else out of it.
  package init(
    path: String, size: Int, overwrite: Bool, digest: Bool = false, uncached: Bool = false
  ) throws(CheckpointError) {
    if !overwrite, access(path, F_OK) == 0 { throw .exists(path: path) }
    self.path = path
    self.size = size
    self.overwrite = overwrite
    self.uncached = uncached
    temporary = TemporaryFiles.name(for: path)
    if digest { hash = SHA256() }
    descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw .system(errno, "write", path) }
    if let free = freeBytes(), free < size {
      discard()
      throw .full(path: path, needed: size)
    }
  }

  /// What the file system has left for this user; nil where it does not say.
  private func freeBytes() -> Int? {
    var status = statvfs()
    guard fstatvfs(descriptor, &status) == 0, status.f_blocks > 0 else { return nil }
    let (bytes, overflow) = Int(clamping: status.f_bavail)
      .multipliedReportingOverflow(by: Int(clamping: status.f_frsize))
    return overflow ? nil : bytes
  }

  deinit { discard() }

  /// Removes the temporary file, if there is still one.
  package func discard() {
    guard descriptor >= 0 else { return }
    close(descriptor)
    unlink(temporary)
    descriptor = -1
  }

  package func write(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
    precondition(descriptor >= 0, "\(path) is written after its end")
    hash?.update(bytes)
    if buffer.count + bytes.count > 1 << 20 { try flush() }
    if bytes.count >= 1 << 20 {
      try writeOut(bytes)
    } else {
      buffer.append(contentsOf: bytes)
    }
    if uncached, cached >= Self.forgetting { try forget() }
  }

  /// Only pages that have reached the disk can be dropped.
  private func forget() throws(CheckpointError) {
    guard fdatasync(descriptor) == 0 else { throw failure("write") }
    posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
    cached = 0
  }

  /// Makes the file durable and visible; gives its SHA-256 where one was asked for.
  package func commit() throws(CheckpointError) -> String? {
    try flush()
    guard fsync(descriptor) == 0 else { throw failure("write") }
    if uncached { posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED) }
    try publish()
    close(descriptor)
    descriptor = -1
    try syncFolder()
    return hash.take()?.hexDigest()
  }

  private func failure(_ operation: String) -> CheckpointError {
    let error = CheckpointError.system(errno, operation, path, needed: size)
    discard()
    return error
  }

  private func flush() throws(CheckpointError) {
    guard !buffer.isEmpty else { return }
    let pending = buffer
    buffer.removeAll(keepingCapacity: true)
    var result: Result<Void, CheckpointError> = .success(())
    pending.withUnsafeBytes { bytes in
      do throws(CheckpointError) { try writeOut(bytes) } catch { result = .failure(error) }
    }
    try result.get()
  }

  private func writeOut(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let chunk = UnsafeRawBufferPointer(rebasing: rest)
      let count = Glibc.write(descriptor, chunk.baseAddress, chunk.count)
      if count > 0 {
        rest = rest.dropFirst(count)
        cached += count
      }
      if count == 0 || count < 0 && errno != EINTR { throw failure("write") }
    }
  }

  private func publish() throws(CheckpointError) {
    if !overwrite {
      // A hard link never replaces what another process made meanwhile; a rename would.
      if link(temporary, path) == 0 {
        unlink(temporary)
        return
      }
      if errno == EEXIST { throw failure("write") }
    }
    guard rename(temporary, path) == 0 else { throw failure("rename") }
  }

  private func syncFolder() throws(CheckpointError) {
    let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
    let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system(errno, "write", folder) }
    defer { close(descriptor) }
    // EINVAL: a file system that does not sync folders.
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw .system(errno, "write", folder) }
  }
}
