internal import Glibc

/// A whole file mapped read-only and shared: its pages are the page cache's, one physical copy for
/// all processes of a node.
///
/// `bytes` is valid while the object lives; keep the object as long as any pointer into it. A file
/// that another program shortens while it is mapped ends the process (SIGBUS), as with any mapping.
package final class MappedFile: @unchecked Sendable {
  package let path: String
  package let bytes: UnsafeRawBufferPointer
  /// Kept open, so that the very file that is mapped can be asked about; -1 for an empty one.
  let descriptor: Int32

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
    var keeps = false
    defer { if !keeps { close(descriptor) } }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system(errno, "read", path) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .system(
        path: path, operation: "read", code: status.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL)
    }
    let count = Int(status.st_size)
    guard count > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      self.descriptor = -1
      return
    }
    guard let address = mmap(nil, count, PROT_READ, MAP_SHARED, descriptor, 0),
      address != MAP_FAILED
    else { throw .system(errno, "map", path) }
    bytes = UnsafeRawBufferPointer(start: address, count: count)
    self.descriptor = descriptor
    keeps = true
  }

  deinit {
    if let address = bytes.baseAddress {
      munmap(UnsafeMutableRawPointer(mutating: address), bytes.count)
      close(descriptor)
    }
  }

  /// A hint about `range` (bytes of the file; nil for all of it). Never fails: it is only a hint.
  package func advise(_ advice: Advice, _ range: Range<Int>? = nil) {
    let flag =
      switch advice {
      case .sequential: MADV_SEQUENTIAL
      case .random: MADV_RANDOM
      case .willNeed: MADV_WILLNEED
      case .dontNeed: MADV_DONTNEED
      }
    let range = range ?? 0..<bytes.count
    advise(flag, advice == .dontNeed ? wholePages(inside: range) : pages(touching: range))
  }

  /// Calls madvise on a range that starts at a page; gives errno, or 0.
  @discardableResult
  func advise(_ flag: Int32, _ range: Range<Int>) -> Int32 {
    guard let address = bytes.baseAddress, !range.isEmpty else { return 0 }
    let start = UnsafeMutableRawPointer(mutating: address + range.lowerBound)
    return madvise(start, range.count, flag) == 0 ? 0 : errno
  }

  private static var page: Int { Int(sysconf(Int32(_SC_PAGESIZE))) }

  func pages(touching range: Range<Int>) -> Range<Int> {
    let range = range.clamped(to: 0..<bytes.count)
    return range.lowerBound / Self.page * Self.page..<range.upperBound
  }

  /// Only pages that lie wholly inside: the neighbours may be in use.
  func wholePages(inside range: Range<Int>) -> Range<Int> {
    let (range, page) = (range.clamped(to: 0..<bytes.count), Self.page)
    let start = (range.lowerBound + page - 1) / page * page
    let end = range.upperBound == bytes.count ? bytes.count : range.upperBound / page * page
    return start..<max(start, end)
  }
}
