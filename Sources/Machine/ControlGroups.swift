internal import Foundation

/// The control groups that bound this process, of both versions of them.
enum ControlGroups {
  struct Group {
    /// With a `/` at its end.
    var folder: String
    /// Version 2, where all controllers share one hierarchy; each has its own in version 1.
    var isUnified: Bool
  }

  /// The group of the process and all groups around it that `controller` may bound, the innermost
  /// of each hierarchy first.
  ///
  /// - Parameter root: where `proc` and `sys` are found, without a `/` at its end.
  static func around(_ controller: String, root: String) -> [Group] {
    // "0::/path" is version 2, "4:cpu,cpuacct:/path" version 1.
    (text(root + "/proc/self/cgroup") ?? "").split(separator: "\n").flatMap { line -> [Group] in
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { return [] }
      let isUnified = fields[1].isEmpty
      guard isUnified || fields[1].split(separator: ",").contains(Substring(controller)) else {
        return []
      }
      let mount = root + "/sys/fs/cgroup" + (isUnified ? "" : "/" + controller)
      return folders(upFrom: fields[2]).map { Group(folder: mount + $0, isUnified: isUnified) }
    }
  }

  static func text(_ path: String) -> String? {
    try? String(contentsOfFile: path, encoding: .utf8)
  }

  /// `/a/b` gives `/a/b/`, `/a/` and `/`.
  private static func folders(upFrom path: Substring) -> [String] {
    let names = path.split(separator: "/")
    return (0...names.count).reversed().map { count in
      "/" + names.prefix(count).map { $0 + "/" }.joined()
    }
  }
}
