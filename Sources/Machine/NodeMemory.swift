internal import Foundation

/// Memory of this machine that a program can still have, the page cache counted as free.
package enum NodeMemory {
  /// Bytes: the least of what the kernel calls available and of what each control group above this
  /// process leaves. Nil where nothing is told.
  ///
  /// - Parameter root: for tests, where `/proc` and `/sys` are looked for.
  package static func available(root: String = "") -> Int? {
    ([freeOfMachine(root)] + ControlGroups.around("memory", root: root).map(free)).compactMap { $0 }
      .min()
  }

  private static func freeOfMachine(_ root: String) -> Int? {
    let lines = (ControlGroups.text(root + "/proc/meminfo") ?? "").split(separator: "\n")
    let words = lines.first { $0.hasPrefix("MemAvailable:") }?.split(separator: " ") ?? []
    return words.count == 3 ? Int(words[1]).map { $0 * 1024 } : nil
  }

  /// What a group leaves; nil where it has no limit.
  private static func free(_ group: ControlGroups.Group) -> Int? {
    let names =
      group.isUnified
      ? (limit: "memory.max", usage: "memory.current", cache: ["inactive_file", "active_file"])
      : (
        limit: "memory.limit_in_bytes", usage: "memory.usage_in_bytes",
        cache: ["total_inactive_file", "total_active_file"]
      )
    // "max" is no number and no limit.
    guard let limit = number(group.folder + names.limit),
      let used = number(group.folder + names.usage)
    else { return nil }
    let statistics = ControlGroups.text(group.folder + "memory.stat") ?? ""
    let cached = statistics.split(separator: "\n").reduce(0) { sum, line in
      let words = line.split(separator: " ")
      guard words.count == 2, names.cache.contains(String(words[0])) else { return sum }
      return sum + (Int(words[1]) ?? 0)
    }
    return max(0, limit - max(0, used - cached))
  }

  private static func number(_ path: String) -> Int? {
    ControlGroups.text(path).flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
  }
}
