internal import Foundation

/// The CPUs that the system lets this process use.
package struct AllowedCPUs: Equatable, Sendable {
  /// The affinity mask as the kernel writes it: `0-3,8`.
  package var mask: String
  /// CPUs in the mask, at least 1.
  package var inMask: Int
  /// CPUs' worth of time that the control groups allow; nil: no limit.
  package var quota: Double?
  /// CPUs of the node, allowed or not.
  package var online: Int

  package init(mask: String, inMask: Int, quota: Double?, online: Int) {
    (self.mask, self.inMask, self.quota, self.online) = (mask, inMask, quota, online)
  }

  /// - Parameter root: where `proc` and `sys` are found; another folder in tests.
  package init(root: String = "/") {
    let base = root.hasSuffix("/") ? root : root + "/"
    func read(_ path: String) -> String? {
      try? String(contentsOfFile: base + path, encoding: .utf8)
    }
    let status = (read("proc/self/status") ?? "").split(separator: "\n")
    let line = status.first { $0.hasPrefix("Cpus_allowed_list:") }
    mask = line?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces) ?? ""
    inMask = Self.count(inList: mask) ?? max(1, ProcessInfo.processInfo.activeProcessorCount)
    online = max(inMask, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    quota = Self.quotas(groups: read("proc/self/cgroup") ?? "", read: read).min()
  }

  /// `0-3,8` holds 5 CPUs; nil where the text is no such list.
  package static func count(inList list: String) -> Int? {
    var count = 0
    for part in list.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard let first = ends[0], let last = ends.count == 2 ? ends[1] : first, ends.count <= 2,
        0 <= first, first <= last, last < 1 << 20
      else { return nil }
      count += last - first + 1
    }
    return count
  }

  /// The quotas of the process's group and of all groups around it, of both versions of control
  /// groups.
  private static func quotas(groups: String, read: (String) -> String?) -> [Double] {
    groups.split(separator: "\n").flatMap { line -> [Double] in
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { return [] }
      let isUnified = fields[1].isEmpty
      guard isUnified || fields[1].split(separator: ",").contains("cpu") else { return [] }
      return folders(upFrom: fields[2]).compactMap { folder in
        let text =
          isUnified
          ? read("sys/fs/cgroup" + folder + "cpu.max")
          : joined(
            read("sys/fs/cgroup/cpu" + folder + "cpu.cfs_quota_us"),
            read("sys/fs/cgroup/cpu" + folder + "cpu.cfs_period_us"))
        return text.flatMap(quota)
      }
    }
  }

  /// `/a/b` gives `/a/b/`, `/a/` and `/`.
  private static func folders(upFrom path: Substring) -> [String] {
    let names = path.split(separator: "/")
    return (0...names.count).reversed().map { count in
      "/" + names.prefix(count).map { $0 + "/" }.joined()
    }
  }

  private static func joined(_ quota: String?, _ period: String?) -> String? {
    guard let quota, let period else { return nil }
    return quota + " " + period
  }

  /// `150000 100000` is 1.5 CPUs; `max ...` and negative numbers are no limit.
  private static func quota(_ text: String) -> Double? {
    let numbers = text.split(whereSeparator: \.isWhitespace).map { Double($0) }
    guard numbers.count == 2, let quota = numbers[0], let period = numbers[1], quota > 0, period > 0
    else { return nil }
    return quota / period
  }
}
