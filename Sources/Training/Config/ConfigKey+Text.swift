// The keys as documentation: a run file, a table, lines of help.
extension ConfigKey {
  /// A run file with every key, its default and its meaning: the output of `peqa config`.
  package static var documentation: String {
    groups.map { group in
      let keys = group.keys.map { key in
        let aliases =
          key.aliases.isEmpty ? "" : " [also " + key.aliases.joined(separator: ", ") + "]"
        return "# \(key.meaning) (\(key.type))\(aliases)\n\(key.name): \(key.defaultWord)\n"
      }
      return "## \(group.title)\n\n" + keys.joined(separator: "\n")
    }.joined(separator: "\n")
  }

  /// A table per group, as it stands in docs/user-guide.md: the output of `peqa config --markdown`.
  package static var markdown: String {
    groups.map { group in
      let head = "| key | also | values | default | same | meaning |\n|---|---|---|---|---|---|\n"
      return "### \(group.title)\n\n" + head + group.keys.map(\.row).joined(separator: "\n") + "\n"
    }.joined(separator: "\n")
  }

  private var row: String {
    let cells = [
      "`\(name)`", aliases.map { "`\($0)`" }.joined(separator: ", "), type,
      defaultText.map { "`\($0)`" } ?? (required ? "required" : "-"), critical ? "yes" : "",
      meaning,
    ]
    return "|" + cells.map { $0.isEmpty ? " |" : " \($0) |" }.joined()
  }

  /// Flags and meanings by group, for `peqa train --help`; lines of at most `columns` characters.
  package static func help(columns: Int) -> String {
    let width = (all.map(\.flag.count).max() ?? 0) + 2
    func lines(_ key: ConfigKey) -> String {
      let margin = String(repeating: " ", count: 2 + width)
      let text = wrapped(key.meaning, to: columns - margin.count).joined(separator: "\n" + margin)
      return "  " + key.flag + String(repeating: " ", count: width - key.flag.count) + text
    }
    return groups.map { "\($0.title)\n" + $0.keys.map(lines).joined(separator: "\n") }
      .joined(separator: "\n\n")
  }

  private static func wrapped(_ text: String, to columns: Int) -> [String] {
    text.split(separator: " ").reduce(into: [String]()) { lines, word in
      if let last = lines.last, last.count + 1 + word.count <= columns {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append(String(word))
      }
    }
  }

  private var defaultWord: String { defaultText ?? (required ? "REQUIRED" : "null") }

  private var required: Bool { ["model", "datasets", "output_dir"].contains(name) }
}
