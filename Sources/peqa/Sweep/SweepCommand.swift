internal import ArgumentParser
internal import Checkpoints
internal import Collectives
internal import Foundation
internal import JSONText
internal import Reporting
internal import Reports
internal import RunHistory
internal import Sweeps
internal import Training

/// `peqa sweep`: many runs of one file, of which the best is kept.
struct SweepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Try settings side by side: a grid or a random choice, with successive halving.",
    discussion: """
      A sweep file is a run file with a section more:

        sweep:
          parameters:
            learning_rate: [1e-3, 3e-3, 1e-2]
            scale_granularity: [row, group]
            seed: [1, 2]
          rungs: [20, 60]
          eta: 3

      It tries every combination one after the other, each in output_dir/run-0001 and so on. After the \
      steps of rungs only the best third (eta) go on. Start it again after any interruption: no run is \
      done twice. Results: sweep.json, best.yaml and a table.
      """)

  @Argument(help: "The sweep file.")
  var file: String

  @Flag(help: "Print the runs with their steps; train nothing.")
  var dryRun = false

  @Flag(help: "Try runs again that have failed.")
  var retryFailed = false

  @OptionGroup var output: OutputOptions
  @OptionGroup var verbosity: VerbosityOptions

  func run() throws {
    let console = Console(verbosity: verbosity.level)
    if let size = Launcher().size, size > 1 {
      throw SweepError.noLauncher(
        "peqa sweep starts the ranks of each run itself: start it without mpirun or srun, and give "
          + "ranks in the section sweep")
    }
    let sweepFile = try SweepFile(path: file)
    let plan = try SweepPlan(sweepFile)
    for line in plan.notices { console.log(line) }
    for line in plan.warnings { console.warn(line) }
    // The trainer gets the signal, and may save first.
    let signals = StopSignals.install(isHurried: Launcher().killsSoon)
    let launcher = try RunLauncher(ranks: sweepFile.settings.ranks) { Self.signal(signals) }
    if dryRun {
      let forecast = SweepForecast(plan, launcher)
      return console.result(output.json ? forecast.json.text(indent: 2) : forecast.text)
    }
    let folder = try SweepFolder(plan, sweepFile, forgetsFailures: retryFailed)
    let display = SweepDisplay(console, plan)
    let sweep = Sweep(
      plan, in: folder, launcher: launcher, settings: sweepFile.settings,
      report: display.show)
    let results = try sweep()
    try results.write()
    try writeReport(results, console)
    show(results, console)
  }

  /// Runs of a page; more would be curves that nobody can tell apart.
  private static let mostCurves = 16

  /// The best runs side by side.
  private func writeReport(_ results: SweepResults, _ console: Console) throws {
    let folders = results.settings.flatMap(\.runs).map(\.folder).prefix(Self.mostCurves)
    let runs = folders.compactMap { folder in
      (try? RunRecord(folder: folder)).map { Report.Run($0, RunFindings(of: $0)) }
    }
    guard !runs.isEmpty else { return }
    let page = Report(runs, maker: RunReport.maker)
    try AtomicFile.write(page.text, to: "\(results.folder)/\(RunFile.report)")
  }

  /// What a trainer is to be sent.
  private static func signal(_ signals: StopSignals) -> Int32? {
    switch signals.received {
    case nil: nil
    case .checkpoint: SIGUSR1
    case .interrupt: SIGINT
    case .terminate: SIGTERM
    }
  }

  private func show(_ results: SweepResults, _ console: Console) {
    if output.json { return console.result(results.json.text(indent: 2)) }
    for line in results.lines { console.result(line) }
    console.result()
    console.result("best        \(results.best.name), \(results.best.folder)")
    console.result("run file    \(results.folder)/best.yaml")
    console.result("report      \(results.folder)/\(RunFile.report)")
  }
}

/// Says what happens in a sweep.
struct SweepDisplay {
  private let console: Console
  private let plan: SweepPlan

  init(_ console: Console, _ plan: SweepPlan) { (self.console, self.plan) = (console, plan) }

  func show(_ event: Sweep.Event) {
    switch event {
    case .rung(let step, let settings, let pending):
      console.log(
        "== to \(Self.goal(step)): \(counted(settings, "setting")), "
          + "\(counted(pending, "run")) to train")
    case .begins(let run, let step, let number, let count):
      console.log("[\(number)/\(count)] \(run.name) to \(Self.goal(step)): \(run.label)")
    case .reached(let run, let score, let seconds):
      let text = score.map { "\(plan.metric.rawValue) \(fixed($0, digits: 4))" } ?? ""
      console.log("      \(run.name)  \(text)  in \(durationText(seconds))")
    case .failed(let run, let code, let message):
      console.warn("\(run.name) has failed with \(code) and will not be tried again: \(message)")
    case .waits(let run, let owner):
      console.log("\(run.name) is being trained by \(owner): waiting")
    case .queued(let job, let runs):
      console.log("queued \(counted(runs, "run")) as job \(job)")
    }
  }

  private static func goal(_ step: Int?) -> String { step.map { "step \($0)" } ?? "the end" }
}
