internal import Checkpoints
internal import Foundation

extension TaskFiles {
  /// The files that are there, in byte order of their paths; nil where none matches, or the labels
  /// are missing.
  func found(in folder: String) -> [String]? {
    let paths = Set(patterns.flatMap { Self.paths(matching: $0, in: folder) })
      .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    guard !paths.isEmpty else { return nil }
    if let labels, !Folder.exists("\(folder)/\(labels)") { return nil }
    return paths
  }

  /// What was looked for, for messages.
  var text: String {
    patterns.joined(separator: " or ") + (labels.map { " with \($0)" } ?? "")
  }

  /// Files below `folder`; `*`, `?` and `[...]` may stand in any component of the pattern.
  static func paths(matching pattern: String, in folder: String) -> [String] {
    let parts = pattern.split(separator: "/").map(String.init)
    var folders = [folder]
    for (index, part) in parts.enumerated() {
      let isLast = index == parts.count - 1
      folders = folders.flatMap { folder in
        let hasMarks = part.contains { "*?[".contains($0) }
        let names =
          hasMarks
          ? Folder.names(in: folder).filter { fnmatch(part, $0, FNM_PERIOD) == 0 } : [part]
        return names.map { "\(folder)/\($0)" }.filter {
          isLast ? Folder.exists($0) && !Folder.isFolder($0) : Folder.isFolder($0)
        }
      }
    }
    return folders
  }
}
