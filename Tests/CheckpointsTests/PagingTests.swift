import Checkpoints
import Foundation
import Testing

@Suite struct PagingTests {
  private static let page = Int(sysconf(Int32(_SC_PAGESIZE)))

  /// Pages of a mapping that are in the page cache.
  private func cached(_ file: MappedFile) throws -> [Bool] {
    var flags = [UInt8](repeating: 0, count: (file.bytes.count + Self.page - 1) / Self.page)
    let start = UnsafeMutableRawPointer(mutating: try #require(file.bytes.baseAddress))
    try #require(mincore(start, file.bytes.count, &flags) == 0)
    return flags.map { $0 & 1 == 1 }
  }

  /// On a real disk: a file system in memory keeps its pages.
  private func makeFile(bytes: Int) throws -> URL {
    let url = URL(fileURLWithPath: "/var/tmp/peqa-paging-\(UUID().uuidString)")
    let data = Data(
      [UInt8](unsafeUninitializedCapacity: bytes) { buffer, count in
        for i in 0..<bytes { buffer[i] = UInt8(truncatingIfNeeded: i / 7) }
        count = bytes
      })
    try data.write(to: url)
    let handle = try FileHandle(forWritingTo: url)
    try handle.synchronize()
    try handle.close()
    return url
  }

  /// Whether files there have pages that the kernel can let go: not so where a file system in
  /// memory lies over `/var/tmp`, `/var` or `/`.
  private static let hasDisk: Bool = {
    let mounts = (try? String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)) ?? ""
    // Source, folder, type, options; the last mount of a folder is the one that is seen.
    let types = mounts.split(separator: "\n").map { $0.split(separator: " ") }.reduce(
      into: [Substring: Substring]()
    ) { if $1.count > 2 { $0[$1[1]] = $1[2] } }
    let type = ["/var/tmp", "/var", "/"].lazy.compactMap { types[$0] }.first
    return type != nil && type != "tmpfs"
  }()

  @Test(.enabled(if: hasDisk, "needs a disk below /var/tmp"))
  func loadsAndDropsWholePages() throws {
    let (page, count) = (Self.page, 8192)
    let url = try makeFile(bytes: count * page - 5)
    defer { try? FileManager.default.removeItem(at: url) }
    let file = try MappedFile(path: url.path)
    let original = SHA256.hexDigest(of: file.bytes)

    try file.load(0..<file.bytes.count)
    #expect(try cached(file).allSatisfy { $0 })
    // Pages 513 to 7679 lie wholly inside; their neighbours belong to others as well.
    file.drop(512 * page + 1..<7681 * page - 1, fromCache: true)
    let after = try cached(file)
    #expect(after[...512].allSatisfy { $0 } && after[7680...].allSatisfy { $0 })
    // The kernel keeps pages in folios of at most 2 MiB; the two that reach beyond the edges stay.
    #expect(after[513..<7680].count { $0 } <= 2 * (2 << 20) / page)
    // And whatever was dropped comes back as it was.
    #expect(SHA256.hexDigest(of: file.bytes) == original)
    file.drop(0..<file.bytes.count, fromCache: true)
    #expect(try !cached(file).allSatisfy { $0 })
    try file.load(5 * page + 3..<5 * page + 4)
    #expect(try cached(file)[5])
    #expect(SHA256.hexDigest(of: file.bytes) == original)
  }

  @Test func rangesBeyondTheFileAreCut() throws {
    let url = try makeFile(bytes: 100)
    defer { try? FileManager.default.removeItem(at: url) }
    let file = try MappedFile(path: url.path)
    try file.load(50..<1_000_000)
    file.drop(50..<1_000_000, fromCache: true)
    file.advise(.willNeed, 0..<1_000_000)
    #expect(file.bytes[99] == UInt8(99 / 7))
  }
}
