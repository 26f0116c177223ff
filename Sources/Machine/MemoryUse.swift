internal import Foundation

/// Memory of this process in bytes, from `/proc/self/smaps_rollup` (Linux 4.14 and later).
package struct MemoryUse: Sendable, Equatable {
  /// Pages written by this process alone: heap and stacks. A mapped base does not count.
  package var privateBytes = 0
  /// All other resident pages: the mapped base, code. One copy serves all processes of a node.
  package var sharedBytes = 0

  package init() {}

  /// Nil where the kernel does not tell.
  package static var current: MemoryUse? {
    guard let text = try? String(contentsOfFile: "/proc/self/smaps_rollup", encoding: .utf8) else {
      return nil
    }
    return MemoryUse(parsing: text)
  }

  init?(parsing text: String) {
    var fields: [Substring: Int] = [:]
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count == 3, words[2] == "kB", let value = Int(words[1]) else { continue }
      fields[words[0]] = value * 1024
    }
    guard let resident = fields["Rss:"], let dirty = fields["Private_Dirty:"] else { return nil }
    privateBytes = dirty
    sharedBytes = resident - dirty
  }
}
