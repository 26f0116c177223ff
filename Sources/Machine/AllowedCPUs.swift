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
  package init(root: String = "") {
    let status = (ControlGroups.text(root + "/proc/self/status") ?? "").split(separator: "\n")
    let line = status.first { $0.hasPrefix("Cpus_allowed_list:") }
    mask = line?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces) ?? ""
    inMask = Self.count(inList: mask) ?? max(1, ProcessInfo.processInfo.activeProcessorCount)
    online = max(inMask, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    quota = ControlGroups.around("cpu", root: root).compactMap(Self.quota).min()
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

  private static func quota(_ group: ControlGroups.Group) -> Double? {
    func read(_ name: String) -> String? { ControlGroups.text(group.folder + name) }
    let text =
      group.isUnified
      ? read("cpu.max") : joined(read("cpu.cfs_quota_us"), read("cpu.cfs_period_us"))
    return text.flatMap(quota)
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
