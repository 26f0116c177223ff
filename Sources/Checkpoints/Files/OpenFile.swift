internal import Glibc
internal import SystemPackage

/// An open file: whole writes, reads and syncs, whose errors name the file.
///
/// System calls that a signal has interrupted are repeated here and nowhere else. The file is
/// closed with the last reference to it.
package final class OpenFile {
  package enum Access: Sendable {
    /// Only regular files; opening a FIFO does not wait for a writer.
    case reading
    /// Made where it is not there; what is written goes to the end.
    case appending
    /// Made where it is not there, emptied where it is.
    case replacing
    /// Made; an error where it is there already.
    case creating
    /// Read and written in place; made where it is not there.
    case updating
    /// A folder, to be synced or locked.
    case folder
  }

  package let path: String
  private let file: FileDescriptor
  private var isLocked = false

  /// The number of the open file, for calls that only MappedFile makes.
  var descriptor: Int32 { file.rawValue }

  /// Throws `missing` (66), `exists` (73), `permission` (77), `system` (74).
  package init(_ path: String, _ access: Access) throws(CheckpointError) {
    self.path = path
    file = try Self.naming(path, access.operation) {
      try FileDescriptor.open(
        FilePath(path), access.mode, options: access.options,
        permissions: FilePermissions(rawValue: 0o666))
    }
    guard case .reading = access else { return }
    // From here on an error ends this object by `deinit`, which closes the file.
    let mode = try status().st_mode & S_IFMT
    guard mode == S_IFREG else {
      throw .system(path: path, operation: "read", code: mode == S_IFDIR ? EISDIR : EINVAL)
    }
  }

  deinit {
    // Closing alone leaves the lock for a moment where another thread is starting a program: the
    // new process has a copy of the descriptor until it executes.
    if isLocked { flock(descriptor, LOCK_UN) }
    try? file.close()
  }

  /// All bytes of a regular file, read and not mapped: for files of some kilobytes or megabytes.
  package static func contents(of path: String) throws(CheckpointError) -> [UInt8] {
    let file = try OpenFile(path, .reading)
    // One byte more than it should have, in case it grows while it is read.
    return try file.read(atMost: .max, expecting: try file.size + 1)
  }

  /// Size in bytes now.
  package var size: Int { get throws(CheckpointError) { Int(try status().st_size) } }

  /// The next bytes, at most `limit`; fewer only at the end of the file.
  package func read(atMost limit: Int) throws(CheckpointError) -> [UInt8] {
    try read(atMost: limit, expecting: limit)
  }

  private func read(atMost limit: Int, expecting: Int) throws(CheckpointError) -> [UInt8] {
    var bytes: [UInt8] = []
    var room = min(limit, expecting)
    while room > 0 {
      let piece = try Self.naming(path, "read") {
        try [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
          count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
        }
      }
      if piece.isEmpty { break }
      bytes += piece
      room = min(limit - bytes.count, max(room - piece.count, 1 << 16))
    }
    return bytes
  }

  /// Writes everything.
  ///
  /// - Parameter needed: size of the file being written, for the message of a full disk.
  package func write(
    _ bytes: UnsafeRawBufferPointer, needed: Int = 0
  ) throws(CheckpointError) {
    _ = try Self.naming(path, "write", needed: needed) { try file.writeAll(bytes) }
  }

  package func write(_ bytes: [UInt8]) throws(CheckpointError) {
    let result = bytes.withUnsafeBytes { buffer in
      Result { () throws(CheckpointError) in try write(buffer) }
    }
    try result.get()
  }

  /// Adds to the end of a file opened for appending, all of it or nothing.
  package func append(_ bytes: [UInt8]) throws(CheckpointError) {
    let size = try size
    do {
      try write(bytes)
    } catch {
      // Half a line must not stay before the whole one that comes later.
      try? resize(to: size)
      throw error
    }
  }

  package func resize(to size: Int) throws(CheckpointError) {
    try Self.naming(path, "write") { try file.resize(to: Int64(size)) }
  }

  /// Makes what was written durable; for a folder, the names in it.
  package func sync(needed: Int = 0) throws(CheckpointError) {
    // EINVAL: a file system that does not sync folders.
    try repeating(needed, ignoring: EINVAL) { fsync($0) }
  }

  /// Makes the bytes durable, but not the times of the file.
  func syncData(needed: Int) throws(CheckpointError) { try repeating(needed) { fdatasync($0) } }

  /// Takes the lock of the whole file, which goes back to the kernel with the process.
  ///
  /// - Returns: false where another process has it, nil where the file system has no locks.
  package func lock() -> Bool? {
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 {
      isLocked = true
      return true
    }
    return errno == EWOULDBLOCK ? false : nil
  }

  /// Free bytes of its file system, for this user; nil where it does not say.
  var freeBytes: Int? {
    var status = statvfs()
    guard fstatvfs(descriptor, &status) == 0, status.f_blocks > 0 else { return nil }
    let (bytes, overflow) = Int(clamping: status.f_bavail)
      .multipliedReportingOverflow(by: Int(clamping: status.f_frsize))
    return overflow ? nil : bytes
  }

  /// Asks the kernel to forget cached pages of `range` that no process has mapped; a hint.
  func forget(_ range: Range<Int>? = nil) {
    posix_fadvise(descriptor, range?.lowerBound ?? 0, range?.count ?? 0, POSIX_FADV_DONTNEED)
  }

  func status() throws(CheckpointError) -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system(errno, "read", path) }
    return status
  }

  /// A call that Swift System does not have, until no signal interrupts it.
  private func repeating(
    _ needed: Int, ignoring: Int32 = 0, _ call: (Int32) -> Int32
  ) throws(CheckpointError) {
    while call(descriptor) != 0 {
      if errno == ignoring { return }
      if errno != EINTR { throw .system(errno, "write", path, needed: needed) }
    }
  }

  /// Turns the errors of Swift System into one that names the file.
  private static func naming<Value>(
    _ path: String, _ operation: String, needed: Int = 0, _ call: () throws -> Value
  ) throws(CheckpointError) -> Value {
    do { return try call() } catch {
      throw .system((error as? Errno)?.rawValue ?? EIO, operation, path, needed: needed)
    }
  }
}

extension OpenFile.Access {
  fileprivate var operation: String {
    switch self {
    case .reading, .folder: "read"
    case .appending, .replacing, .creating, .updating: "write"
    }
  }

  fileprivate var mode: FileDescriptor.AccessMode {
    switch self {
    case .reading, .folder: .readOnly
    case .appending, .replacing, .creating: .writeOnly
    case .updating: .readWrite
    }
  }

  fileprivate var options: FileDescriptor.OpenOptions {
    switch self {
    case .reading: [.closeOnExec, .nonBlocking]
    case .appending: [.closeOnExec, .create, .append]
    case .replacing: [.closeOnExec, .create, .truncate]
    case .creating: [.closeOnExec, .create, .exclusiveCreate]
    case .updating: [.closeOnExec, .create]
    case .folder: [.closeOnExec, .directory]
    }
  }
}
