internal import Foundation

/// Memory of this machine that a program can still have, the page cache counted as free.
package enum NodeMemory {
  /// Bytes: the least of what the kernel calls available and of what each control group above this
  /// process leaves. Nil where nothing is told.
  ///
  /// - Parameter root: for tests, where `/proc` and `/sys` are looked for.
  package static func available(root: String = "") -> Int? {
    var rooms: [Int] = []
    if let text = read(root + "/proc/meminfo") {
      let line = text.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
      if let words = line?.split(separator: " "), words.count == 3, let kilobytes = Int(words[1]) {
        rooms.append(kilobytes * 1024)
      }
    }
    for line in (read(root + "/proc/self/cgroup") ?? "").split(separator: "\n") {
      // "0::/path" is version 2, "4:memory:/path" version 1.
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      if parts[0] == "0" {
        rooms += room(
          below: root + "/sys/fs/cgroup", String(parts[2]), limit: "memory.max",
          usage: "memory.current", cache: ["inactive_file", "active_file"])
      } else if parts[1].split(separator: ",").contains("memory") {
        rooms += room(
          below: root + "/sys/fs/cgroup/memory", String(parts[2]), limit: "memory.limit_in_bytes",
          usage: "memory.usage_in_bytes", cache: ["total_inactive_file", "total_active_file"])
      }
    }
    return rooms.min()
  }

  /// What each group from `path` up to the root of the hierarchy leaves.
  private static func room(
    below mount: String, _ path: String, limit: String, usage: String, cache: [String]
  ) -> [Int] {
    var parts = path.split(separator: "/")
    var rooms: [Int] = []
    while true {
      let folder = ([mount] + parts.map(String.init)).joined(separator: "/")
      // "max" is no number and no limit.
      if let limit = number(folder + "/" + limit), let used = number(folder + "/" + usage) {
        let statistics = read(folder + "/memory.stat") ?? ""
        let cached = statistics.split(separator: "\n").reduce(0) { sum, line in
          let words = line.split(separator: " ")
          guard words.count == 2, cache.contains(String(words[0])) else { return sum }
          return sum + (Int(words[1]) ?? 0)
        }
        rooms.append(max(0, limit - max(0, used - cached)))
      }
      guard !parts.isEmpty else { return rooms }
      parts.removeLast()
    }
  }

  private static func number(_ path: String) -> Int? {
    read(path).flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
  }

  private static func read(_ path: String) -> String? {
    try? String(contentsOfFile: path, encoding: .utf8)
  }
}

/// Bytes that this process has had read from disks, page faults and reading ahead included; nil
/// where the kernel does not count them.
package func bytesReadFromDisk() -> Int? {
  let text = (try? String(contentsOfFile: "/proc/self/io", encoding: .utf8)) ?? ""
  let line = text.split(separator: "\n").first { $0.hasPrefix("read_bytes:") }
  return line?.split(separator: " ").last.flatMap { Int($0) }
}
