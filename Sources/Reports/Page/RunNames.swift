internal import Foundation

/// Names of runs by their folders: as much of each path, from its end, as tells it apart.
enum RunNames {
  /// - Returns: a name for each folder, all different: `lr3`, or `a/run` and `b/run`. A folder that
  ///   is given twice has its number behind the second.
  static func distinct(_ folders: [String]) -> [String] {
    let paths = folders.map { URL(fileURLWithPath: $0).standardizedFileURL.pathComponents }
    var names = [String?](repeating: nil, count: paths.count)
    let longest = paths.map(\.count).max() ?? 0
    for length in 1...max(1, longest) {
      let ends = paths.map { $0.suffix(length) }
      let counts = Dictionary(ends.map { ($0, 1) }, uniquingKeysWith: +)
      for index in paths.indices where names[index] == nil && counts[ends[index]] == 1 {
        names[index] = text(ends[index])
      }
    }
    var seen: [ArraySlice<String>: Int] = [:]
    return paths.indices.map { index in
      if let name = names[index] { return name }
      seen[paths[index][...], default: 0] += 1
      let number = seen[paths[index][...], default: 1]
      return text(paths[index][...]) + (number > 1 ? " (\(number))" : "")
    }
  }

  /// The first component of a whole path is `/`.
  private static func text(_ components: ArraySlice<String>) -> String {
    guard components.first == "/" else { return components.joined(separator: "/") }
    return "/" + components.dropFirst().joined(separator: "/")
  }
}
