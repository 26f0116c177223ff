internal import ArgumentParser
internal import Checkpoints
internal import Foundation
internal import Reports
internal import RunHistory

/// `peqa report`: a page on one or several runs.
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Write a page on one run, or on several side by side.",
    discussion: """
      The page needs nothing but itself: curves, what the model says before and after training, \
      where scales moved, settings and origin. Training writes report.html at its end, or \
      where it is stopped; this makes it anew, also of a run that is not done. Several runs are drawn over each other.

      Results on tasks are shown where a run's folder has them: what "peqa eval --tasks ... --json" \
      prints, as task_results.json or under another name that begins with task_results.
      """)

  @Argument(
    help: ArgumentHelp(
      "Output folders of runs, or folders with runs in them.", valueName: "directory"))
  var folders: [String]

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The page. (default: report.html in the folder of the run)", valueName: "file"))
  var output: String?

  @OptionGroup var verbosity: VerbosityOptions

  func run() throws {
    let console = Console(verbosity: verbosity.level)
    let found = try folders.flatMap { folder in
      let runs = RunRecord.folders(below: folder)
      if runs.isEmpty { throw RunHistoryError.noRun(path: folder) }
      return runs
    }
    guard let page = output ?? (found.count == 1 ? "\(found[0])/\(RunFile.report)" : nil) else {
      throw ValidationError("There are \(found.count) runs: give the name of the page by -o FILE.")
    }
    let runs = try found.map { folder -> Report.Run in
      let record = try RunRecord(folder: folder)
      var findings = RunFindings(of: record)
      findings.findMovement(of: record, console)
      return Report.Run(record, findings)
    }
    let text = Report(runs, maker: RunReport.maker).text
    try AtomicFile.write(text, to: page)
    console.result(page)
  }
}
