internal import Foundation

/// Numbers that end `slack` bytes before a page that nobody may touch, between bytes of a known
/// pattern: reading past the end traps, writing outside shows in `isIntact`.
///
/// An odd slack or an odd size gives misaligned addresses.
final class GuardedMemory<Element: BitwiseCopyable> {
  let pointer: UnsafeMutablePointer<Element>
  let count: Int
  private let mapping: UnsafeMutableRawBufferPointer
  private let usable: Int
  private let start: Int
  private static var pattern: UInt8 { 0xA5 }

  init(_ values: [Element], slack: Int = 0) {
    count = values.count
    let page = Int(getpagesize())
    let bytes = values.count * MemoryLayout<Element>.stride
    usable = (bytes + slack + page - 1) / page * page + page
    let address = mmap(
      nil, usable + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)!
    precondition(address != MAP_FAILED, "no memory for a test")
    mapping = UnsafeMutableRawBufferPointer(start: address, count: usable + page)
    precondition(mprotect(address + usable, page, PROT_NONE) == 0, "no guard page")
    memset(address, Int32(Self.pattern), usable)
    start = usable - slack - bytes
    pointer = (address + start).assumingMemoryBound(to: Element.self)
    _ = values.withUnsafeBytes { memcpy(address + start, $0.baseAddress!, bytes) }
  }

  /// Memory for results: every number starts as `fill`, 256 bytes before the forbidden page.
  convenience init(results count: Int, fill: Element) {
    self.init([Element](repeating: fill, count: count), slack: 256)
  }

  deinit { munmap(mapping.baseAddress!, mapping.count) }

  var raw: UnsafeRawPointer { UnsafeRawPointer(pointer) }

  var values: [Element] {
    (0..<count).map {
      raw.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Element>.stride, as: Element.self)
    }
  }

  /// No byte around the numbers has changed.
  var isIntact: Bool {
    let end = start + count * MemoryLayout<Element>.stride
    return mapping[..<start].allSatisfy { $0 == Self.pattern }
      && mapping[end..<usable].allSatisfy { $0 == Self.pattern }
  }
}
