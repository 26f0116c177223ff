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
  /// Nil when it has been committed or discarded.
  private var file: OpenFile?
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
    if !overwrite, Folder.exists(path) { throw .exists(path: path) }
    self.path = path
    self.size = size
    self.overwrite = overwrite
    self.uncached = uncached
    temporary = TemporaryFiles.name(for: path)
    if digest { hash = SHA256() }
    do throws(CheckpointError) {
      file = try OpenFile(temporary, .creating)
    } catch {
      throw error.naming(path)
    }
    if let free = file?.freeBytes, free < size {
      discard()
      throw .full(path: path, needed: size)
    }
  }

  deinit { discard() }

  /// Removes the temporary file, if there is still one.
  package func discard() {
    guard file != nil else { return }
    unlink(temporary)
    file = nil
  }

  package func write(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
    precondition(file != nil, "\(path) is written after its end")
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
    try working { file throws(CheckpointError) in try file.syncData(needed: size) }
    file?.forget()
    cached = 0
  }

  /// Makes the file durable and visible; gives its SHA-256 where one was asked for.
  package func commit() throws(CheckpointError) -> String? {
    try flush()
    try working { file throws(CheckpointError) in try file.sync(needed: size) }
    if uncached { file?.forget() }
    try publish()
    file = nil
    try Folder.sync(Folder.parent(of: path))
    return hash.take()?.hexDigest()
  }

  /// Works on the temporary file; an error removes it and names the file that was to be.
  private func working(
    _ body: (OpenFile) throws(CheckpointError) -> Void
  ) throws(CheckpointError) {
    guard let file else { return }
    do throws(CheckpointError) {
      try body(file)
    } catch {
      discard()
      throw error.naming(path)
    }
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
    try working { file throws(CheckpointError) in try file.write(bytes, needed: size) }
    cached += bytes.count
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
}
