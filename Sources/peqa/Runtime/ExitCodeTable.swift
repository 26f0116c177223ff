/// What the program's exit codes mean, and what a user can do: for `peqa --help` and the user
/// guide.
package enum ExitCodeTable {
  package struct Entry: Sendable {
    package let codes: [Int32]
    package let meaning: String
    package let remedy: String
  }

  package static let entries: [Entry] = [
    Entry(codes: [0], meaning: "done", remedy: ""),
    Entry(
      codes: [1], meaning: "unexpected error, or a limit of `--check` broken", remedy: "report it"),
    Entry(
      codes: [3], meaning: "a loss, a gradient or a scale is not finite; nothing was saved",
      remedy: "look at the samples named, lower `learning_rate`"),
    Entry(codes: [64], meaning: "wrong usage", remedy: "read the usage line"),
    Entry(
      codes: [65],
      meaning:
        "bad data: a file breaks its format, a shape is wrong, an adapter belongs to another "
        + "base, samples are too long",
      remedy: "the message names file, place and remedy"),
    Entry(codes: [66], meaning: "an input is missing", remedy: "check the path named"),
    Entry(
      codes: [69], meaning: "MPI or the launcher is wrong",
      remedy: "see [below](#when-something-goes-wrong-on-a-cluster)"),
    Entry(codes: [70], meaning: "a bug of this program", remedy: "report it"),
    Entry(
      codes: [71, 74], meaning: "the operating system, memory or a disk failed, or a disk is full",
      remedy: "the message names host and file"),
    Entry(
      codes: [73], meaning: "the output exists, or another run uses it",
      remedy: "choose another `output_dir`, or overwrite"),
    Entry(
      codes: [75], meaning: "the run was saved, or a rank or the network was lost",
      remedy: "start again; schedulers may requeue on this code"),
    Entry(codes: [77], meaning: "no permission", remedy: "check owner and mode of the path named"),
    Entry(
      codes: [78], meaning: "bad configuration, or the run differs from its checkpoint",
      remedy: "correct the keys named"),
    Entry(codes: [130, 143], meaning: "ended by INT or TERM", remedy: ""),
  ]

  private static func text(_ codes: [Int32]) -> String {
    codes.map { "\($0)" }.joined(separator: ", ")
  }

  /// The table of docs/user-guide.md.
  package static var markdown: String {
    "| code | meaning | what to do |\n|---|---|---|\n"
      + entries.map { entry in
        let remedy = entry.remedy.isEmpty ? "" : " \(entry.remedy)"
        return "| \(text(entry.codes)) | \(entry.meaning) |\(remedy) |"
      }.joined(separator: "\n") + "\n"
  }

  /// One line per entry.
  static var help: String {
    entries.map { entry in
      let codes = text(entry.codes)
      return "  \(codes)\(String(repeating: " ", count: 10 - codes.count))\(entry.meaning)"
    }.joined(separator: "\n")
  }
}
