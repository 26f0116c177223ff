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

  @Test func loadsAndDropsWholePages() throws {
    let (page, count) = (Self.page, 2048)
    let url = try makeFile(bytes: count * page - 5)
    defer { try? FileManager.default.removeItem(at: url) }
    let file = try MappedFile(path: url.path)
    let original = SHA256.hexDigest(of: file.bytes)

    try file.load(0..<file.bytes.count)
    #expect(try cached(file).allSatisfy { $0 })
    // Pages 513 to 1535 lie wholly inside; their neighbours belong to others as well.
    file.drop(512 * page + 1..<1537 * page - 1, fromCache: true)
    let after = try cached(file)
    #expect(after[...512].allSatisfy { $0 } && after[1536...].allSatisfy { $0 })
    // The kernel keeps pages in larger pieces, and those that reach beyond the edges stay.
    #expect(after[513..<1536].count { $0 } < 600)
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
