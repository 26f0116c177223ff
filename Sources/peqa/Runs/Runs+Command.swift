internal import ArgumentParser
internal import Checkpoints
internal import Foundation
internal import JSONText
internal import RunHistory
internal import RunViews

/// `peqa runs`: the runs below a folder, a line each.
struct Runs: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the runs below a folder.",
    discussion: """
      State, step, loss, best evaluation, speed, time left, host, and how long ago each was last heard \
      of. A folder that cannot be read is a line that says why. Symbolic links are not followed, and \
      nothing is read but the small files of a run.
      """)

  @Argument(help: "Folder to look in, with all below it.")
  var folder = "."

  @Option(
    help: "Column to sort by: \(RunTable.Key.allCases.map(\.rawValue).joined(separator: ", ")).")
  var sort = RunTable.Key.name

  @Flag(help: "The other way round.")
  var reverse = false

  @Option(help: "Folders below each other that are looked into.")
  var depth = 4

  @OptionGroup var output: OutputOptions
  @OptionGroup var verbosity: VerbosityOptions

  func validate() throws {
    if !(0...64).contains(depth) { throw ValidationError("--depth must be from 0 to 64.") }
  }

  func run() throws {
    let console = Console(verbosity: verbosity.level)
    guard Folder.isFolder(folder) else {
      throw CheckpointError.missing(path: folder, remedy: "Give a folder with runs.")
    }
    var table = RunTable(RunRecord.folders(below: folder, depth: depth), below: folder)
    table.sort(by: sort, reversed: reverse)
    if output.json { return console.result(table.json.text(indent: 2)) }
    guard !table.rows.isEmpty else { return console.log("no run below \(folder)") }
    for line in table.lines { console.result(line) }
  }
}

extension RunTable.Key: ExpressibleByArgument {}
