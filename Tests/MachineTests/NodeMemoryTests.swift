import Foundation
import Machine
import TestSupport
import Testing

@Suite struct NodeMemoryTests {
  /// Machines as file trees.
  @Test func leastOfAllLimitsCounts() throws {
    let folder = try TemporaryFolder()
    func write(_ path: String, _ text: String) throws {
      let url = URL(fileURLWithPath: folder.path + path)
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try text.write(to: url, atomically: false, encoding: .utf8)
    }
    func available() -> Int? { NodeMemory.available(root: folder.path) }
    #expect(available() == nil)
    try write("/proc/meminfo", "MemTotal:  2000 kB\nMemAvailable:    1000 kB\n")
    #expect(available() == 1_024_000)
    // Version 2: the group itself has no limit, the one above it has.
    try write("/proc/self/cgroup", "0::/jobs/one\n")
    try write("/sys/fs/cgroup/jobs/one/memory.max", "max\n")
    try write("/sys/fs/cgroup/jobs/one/memory.current", "1\n")
    #expect(available() == 1_024_000)
    try write("/sys/fs/cgroup/jobs/memory.max", "900000\n")
    try write("/sys/fs/cgroup/jobs/memory.current", "500000\n")
    try write("/sys/fs/cgroup/jobs/memory.stat", "anon 1\ninactive_file 100000\nactive_file 7\n")
    #expect(available() == 500_007)
    // Version 1.
    try write("/proc/self/cgroup", "7:cpu:/x\n4:memory,other:/x\n0::/\n")
    try write("/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "300000\n")
    try write("/sys/fs/cgroup/memory/x/memory.usage_in_bytes", "100000\n")
    #expect(available() == 200_000)
  }
}
