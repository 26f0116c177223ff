internal import Glibc

/// A whole file mapped read-only and shared: its pages are the page cache's, one physical copy for
/// all processes of a node.
///
/// `bytes` is valid while the object lives; keep the object as long as any pointer into it. A file
/// that another program shortens while it is mapped ends the process (SIGBUS), as with any mapping.
package final class MappedFile: @unchecked Sendable {
  package let path: String
  package let bytes: UnsafeRawBufferPointer

  /// What the reader is about to do, so that the kernel can read ahead or drop pages.
  package enum Advice: Sendable {
    case sequential, random, willNeed, dontNeed
  }

  /// Throws `missing` (66), `permission` (77), `system` (74).
  package init(path: String) throws(CheckpointError) {
    self.path = path
    // O_NONBLOCK: opening a FIFO must not wait for a writer.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .system(errno, "read", path) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system(errno, "read", path) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .system(
        path: path, operation: "read", code: status.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL)
    }
    let count = Int(status.st_size)
    guard count > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let address = mmap(nil, count, PROT_READ, MAP_SHARED, descriptor, 0),
      address != MAP_FAILED
    else { throw .system(errno, "map", path) }
    bytes = UnsafeRawBufferPointer(start: address, count: count)
  }

  deinit {
    if let address = bytes.baseAddress {
      munmap(UnsafeMutableRawPointer(mutating: address), bytes.count)
    }
  }

  /// A hint about `range` (bytes of the file; nil for all of it). Never fails: it is only a hint.
  package func advise(_ advice: Advice, _ range: Range<Int>? = nil) {
    guard let address = bytes.baseAddress else { return }
    let range = (range ?? 0..<bytes.count).clamped(to: 0..<bytes.count)
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    var start = range.lowerBound / page * page
    var end = range.upperBound
    let flag: Int32
    switch advice {
    case .sequential: flag = MADV_SEQUENTIAL
    case .random: flag = MADV_RANDOM
    case .willNeed: flag = MADV_WILLNEED
    case .dontNeed:
      // Only pages that lie wholly inside: the neighbours may be in use.
      flag = MADV_DONTNEED
      start = (range.lowerBound + page - 1) / page * page
      if end < bytes.count { end = end / page * page }
    }
    guard start < end else { return }
    madvise(UnsafeMutableRawPointer(mutating: address + start), end - start, flag)
  }
}
