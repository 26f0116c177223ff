internal import CFiles
internal import Glibc

/// A whole file mapped read-only and shared: its pages are the page cache's, one physical copy for
/// all processes of a node.
///
/// `bytes` is valid while the object lives; keep the object as long as any pointer into it. Where
/// another program shortens the file, or its disk fails, an access ends the process: `FaultGuard`
/// then names the file. Files that are small, or read once, belong in `OpenFile.contents`.
package final class MappedFile: @unchecked Sendable {
  package let path: String
  package let bytes: UnsafeRawBufferPointer
  /// Kept open, so that the very file that is mapped can be asked about.
  let file: OpenFile
  /// The place in the table of `FaultGuard`.
  private let slot: Int32
  /// The bytes are a copy of the file, in memory of this object.
  private let isCopy: Bool

  /// What the reader is about to do, so that the kernel can read ahead or drop pages.
  package enum Advice: Sendable {
    case sequential, random, willNeed, dontNeed
  }

  /// Throws `missing` (66), `permission` (77), `system` (74).
  package init(path: String) throws(CheckpointError) {
    self.path = path
    isCopy = false
    file = try OpenFile(path, .reading)
    let count = try file.size
    guard count > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      slot = -1
      return
    }
    guard let address = mmap(nil, count, PROT_READ, MAP_SHARED, file.descriptor, 0),
      address != MAP_FAILED
    else { throw .system(errno, "map", path) }
    bytes = UnsafeRawBufferPointer(start: address, count: count)
    slot = peqa_mapping_add(address, count, path)
  }

  /// Reads the file in place of mapping it, for what takes mapped files: whatever becomes of the
  /// file then, the bytes stay.
  package init(copying path: String) throws(CheckpointError) {
    (self.path, isCopy, slot) = (path, true, -1)
    file = try OpenFile(path, .reading)
    let content = try OpenFile.contents(of: path)
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: content.count, alignment: 64)
    copy.copyBytes(from: content)
    bytes = UnsafeRawBufferPointer(copy)
  }

  deinit {
    if isCopy { return bytes.deallocate() }
    guard let address = bytes.baseAddress else { return }
    peqa_mapping_remove(slot)
    munmap(UnsafeMutableRawPointer(mutating: address), bytes.count)
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
    guard let address = bytes.baseAddress, !range.isEmpty, !isCopy else { return 0 }
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
